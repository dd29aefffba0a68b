#define REAL float
#define REAL_IS_FLOAT
#define INTEGER int32_t
#define EXPORTED(name) name##_float32
#include "recurrence.h"
