/* One word for each thread. */
#include "backends/base/hsm_inside.h"

_Thread_local const struct hsm_inside *hsm_inside_innermost;
