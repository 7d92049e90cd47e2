/* exp in single precision, over its whole range; that in double is tested where it is used, in tests/losses. */
#include "base/exponential.h"
#include <criterion/criterion.h>
#include <math.h>

Test(exponential, single) {
    double worst = 0;
    for (double x = -87; x <= 0; x += 0.000731)
        worst = fmax(worst, fabs((double)lyne_exp_f32((float)x) / exp((double)(float)x) - 1));
    cr_expect(worst < 3e-7, "relative error %g", worst);
    cr_expect(lyne_exp_f32(0) == 1);
    cr_expect(lyne_exp_f32(-1e30f) < 1e-37f && lyne_exp_f32(-INFINITY) < 1e-37f);
    cr_expect(isnan(lyne_exp_f32(NAN)));
}
