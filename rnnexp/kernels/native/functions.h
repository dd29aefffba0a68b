/* exp, the logistic function and tanh on vectors, to the last bits also near 0. */
#ifndef FUNCTIONS_H
#define FUNCTIONS_H

#include "simd.h"

/* x = n log 2 + r with |r| <= log(2) / 2 (Cody and Waite 1980); e^r - 1 by its Taylor series.
 * The part 2^n and the part that is left over, (e^x - 1) - (2^n - 1), are given apart:
 *     e^x = 2^n + rest,   e^x - 1 = (2^n - 1) + rest.                                            */
typedef struct { vec power, rest; } split_exp;

INLINE split_exp exp_parts(vec x) {
#ifdef REAL_IS_FLOAT
  static const REAL inverse_factorial[] = {1 / 2.0f, 1 / 6.0f, 1 / 24.0f, 1 / 120.0f, 1 / 720.0f,
                                           1 / 5040.0f};
  const REAL largest = 87, log2_head = 0.693359375f, log2_tail = -2.12194440e-4f;
  const REAL rounder = 12582912.0f; /* 1.5 * 2^23: adding it leaves an integer in the last bits */
  enum { FRACTION = 23, TERMS = 6 };
#else
  static const REAL inverse_factorial[] = {
      1 / 2.0, 1 / 6.0, 1 / 24.0, 1 / 120.0, 1 / 720.0, 1 / 5040.0, 1 / 40320.0, 1 / 362880.0,
      1 / 3628800.0, 1 / 39916800.0, 1 / 479001600.0, 1 / 6227020800.0};
  const REAL largest = 708, log2_head = 0x1.62e42fee00000p-1, log2_tail = 0x1.a39ef35793c76p-33;
  const REAL rounder = 6755399441055744.0; /* 1.5 * 2^52 */
  enum { FRACTION = 52, TERMS = 12 };
#endif
  x = at_least(at_most(x, largest), -largest);
  vec shifted = x * (REAL)1.44269504088896340736 + rounder;
  vec n = shifted - rounder;
  vec r = x - n * log2_head - n * log2_tail;
  vec series = splat(inverse_factorial[TERMS - 1]);
#pragma GCC unroll 16
  for (int term = TERMS - 2; term >= 0; term--) series = series * r + inverse_factorial[term];
  series = series * r * r + r;
  vec power = (vec)(((ivec)shifted << FRACTION) + (ivec)splat(1));
  return (split_exp){power, power * series};
}

/* 1 / (1 + e^-x) */
INLINE vec logistic(vec x) {
  split_exp e = exp_parts(-x);
  return reciprocal(1 + (e.power + e.rest));
}

/* (e^2x - 1) / (e^2x + 1) */
INLINE vec hyperbolic_tangent(vec x) {
  split_exp e = exp_parts(2 * x);
  vec less_one = (e.power - 1) + e.rest;
  return less_one * reciprocal(less_one + 2);
}

INLINE vec rectifier(vec x) { return at_least(x, 0); }

#endif
