/* losses/loss.h -- the row of a loss is public: lyne/loss.h.  Its ops are written with graph/op.h. */
#ifndef LYNE_LOSSES_LOSS_H
#define LYNE_LOSSES_LOSS_H

#include "graph/op.h"
#include "lyne/loss.h"

#endif
