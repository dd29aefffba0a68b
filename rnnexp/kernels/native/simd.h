/* Vectors of REAL as wide as the instruction set that this file is compiled for has them.
 *
 * Written with the vector extensions of GCC and Clang, so that one text serves AVX-512, AVX2 and
 * plain machines. LANES numbers fit a vector.
 */
#ifndef SIMD_H
#define SIMD_H

#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#elif defined(__AVX2__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif
#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#endif

#define LANES ((long)(VECTOR_BYTES / sizeof(REAL)))
#define INLINE static inline __attribute__((always_inline))

typedef REAL vec __attribute__((vector_size(VECTOR_BYTES)));
typedef REAL unaligned_vec
    __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(REAL)), may_alias));
typedef INTEGER ivec __attribute__((vector_size(VECTOR_BYTES)));

INLINE vec load(const REAL *from) { return (vec)*(const unaligned_vec *)from; }
INLINE void store(REAL *to, vec x) { *(unaligned_vec *)to = (unaligned_vec)x; }
INLINE vec splat(REAL x) { return x - (vec){0}; }

/* The first `count` lanes only: the last vector of a row whose length no vector divides. */
INLINE vec load_part(const REAL *from, long count) {
  if (count >= LANES) return load(from);
  vec x = {0};
  memcpy(&x, from, (size_t)count * sizeof(REAL));
  return x;
}

INLINE void store_part(REAL *to, vec x, long count) {
  if (count >= LANES) store(to, x);
  else memcpy(to, &x, (size_t)count * sizeof(REAL));
}

INLINE vec choose(ivec mask, vec yes, vec no) {
  return (vec)((mask & (ivec)yes) | (~mask & (ivec)no));
}

/* x, but not above `bound`, or not below it; a NaN stays one. One instruction where there is one
 * (it gives its second operand where one of them is NaN). */
#if defined(__AVX512F__) && defined(REAL_IS_FLOAT)
INLINE vec at_most(vec x, REAL bound) { return (vec)_mm512_min_ps((__m512)splat(bound), (__m512)x); }
INLINE vec at_least(vec x, REAL bound) { return (vec)_mm512_max_ps((__m512)splat(bound), (__m512)x); }
#elif defined(__AVX2__) && defined(REAL_IS_FLOAT) && VECTOR_BYTES == 32
INLINE vec at_most(vec x, REAL bound) { return (vec)_mm256_min_ps((__m256)splat(bound), (__m256)x); }
INLINE vec at_least(vec x, REAL bound) { return (vec)_mm256_max_ps((__m256)splat(bound), (__m256)x); }
#else
INLINE vec at_most(vec x, REAL bound) { return choose(x > bound, splat(bound), x); }
INLINE vec at_least(vec x, REAL bound) { return choose(x < bound, splat(bound), x); }
#endif

/* 1 / x, for x in [1, 2^126). */
INLINE vec reciprocal(vec x) {
#if defined(__AVX512F__) && defined(REAL_IS_FLOAT)
  vec y = (vec)_mm512_rcp14_ps((__m512)x); /* a division would take 16 cycles */
  return y + y * (1 - x * y);
#else
  return 1 / x;
#endif
}

#endif
