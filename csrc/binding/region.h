/* region.h -- `fastprof.measure`: a part of a function as a call of its own.
 *
 *      with measure("parse"):     entered and left by C code, so that no call of ours
 *          ...                    is open when its own begins
 *
 * It is known by its label. For pstats it is folded into the function it stands in.
 */
#ifndef FPY_REGION_H
#define FPY_REGION_H

#include "compat.h"

extern PyType_Spec fpy_region_spec;

#endif
