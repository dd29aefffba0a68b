#define REAL double
#define INTEGER int64_t
#define EXPORTED(name) name##_float64
#include "recurrence.h"
