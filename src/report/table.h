/* report/table.h -- what a run came to, as people read it: a line for each stage, then the published figures. */
#ifndef LYNE_REPORT_TABLE_H
#define LYNE_REPORT_TABLE_H

#include "recipe/pipeline.h"

/** o: of each of the recipe's points.  A sweep's axes are columns, and what points share is one line.  Stages that were not
 *  asked for are left out, and columns in which no stage has anything to say.  LYNE_ENOSPACE: lines are missing. */
lyne_status lyne_table_print(const lyne_recipe *r, const lyne_outcomes *o, FILE *to, lyne_error *err);

#endif
