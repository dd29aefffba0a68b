/* Matrix products whose result stays in registers: a tile of rows x vectors at a time.
 *
 * The right-hand matrix is packed into panels first: panel p holds, for every k, the vectors
 * [first(p), first(p + 1)) of row k side by side, so that the inner loop reads it in order.
 */
#ifndef PRODUCT_H
#define PRODUCT_H

#include "simd.h"

/* out[r][v] = start[r][v] + sum_k a[r][k] * panel[k][v], where a[r][k] lies at r * row + k * column
 * and the other matrices have the row strides that are named after them. */
typedef struct {
  long K;
  const REAL *a;
  long row, column;
  const REAL *panel;
  long panel_row;
  const REAL *start; /* NULL for zeros */
  long start_row;
  REAL *out;
  long out_row;
  const REAL *ahead; /* what to fetch into the cache meanwhile, a vector a step */
} product;

INLINE void tile(const int rows, const int vectors, const product *p, const long column) {
  vec sum[8][4], w[4];
#pragma GCC unroll 8
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++)
      sum[r][v] = p->start ? load(p->start + r * p->start_row + v * LANES) : (vec){0};
  const REAL *a = p->a, *b = p->panel, *ahead = p->ahead;
  const long row = p->row;
  for (long k = p->K; k > 0; k--, a += column, b += p->panel_row) {
    __builtin_prefetch(ahead), ahead += LANES;
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) w[v] = load(b + v * LANES);
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) {
      vec x = splat(a[r * row]);
#pragma GCC unroll 4
      for (int v = 0; v < vectors; v++) sum[r][v] += x * w[v];
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) store(p->out + r * p->out_row + v * LANES, sum[r][v]);
}

/* As many rows as leave the sums, a row of weights and one factor in the registers there are. */
#if VECTOR_BYTES == 64
static const int MOST_ROWS[] = {0, 8, 8, 8, 6};
#else
static const int MOST_ROWS[] = {0, 8, 6, 4, 3};
#endif

/* One function a size, and one for each way that `a` lies: k next to k, or row next to row. */
#define TILE(R, V)                                                                     \
  static void tile_##R##_##V(const product *p) { tile(R, V, p, 1); }                   \
  static void tile_##R##_##V##_transposed(const product *p) { tile(R, V, p, p->column); }
#define TILES(V) TILE(1, V) TILE(2, V) TILE(3, V) TILE(4, V) TILE(5, V) TILE(6, V) TILE(7, V) \
  TILE(8, V)
TILES(1) TILES(2) TILES(3) TILES(4)

typedef void tile_function(const product *);
#define NAMES(V, T) {0, tile_1_##V##T, tile_2_##V##T, tile_3_##V##T, tile_4_##V##T, \
                     tile_5_##V##T, tile_6_##V##T, tile_7_##V##T, tile_8_##V##T}
static tile_function *const STRAIGHT[5][9] = {{0}, NAMES(1, ), NAMES(2, ), NAMES(3, ), NAMES(4, )};
static tile_function *const TRANSPOSED[5][9] = {
    {0}, NAMES(1, _transposed), NAMES(2, _transposed), NAMES(3, _transposed), NAMES(4, _transposed)};

INLINE void multiply(int rows, int vectors, const product *p) {
  (p->column == 1 ? STRAIGHT : TRANSPOSED)[vectors][rows](p);
}

/* `total` cut into the fewest pieces of at most `most`, their sizes equal or one apart. */
typedef struct { long at, size; } piece;

INLINE long pieces(long total, long most) { return (total + most - 1) / most; }

INLINE piece nth_piece(long n, long total, long most) {
  const long count = pieces(total, most), small = total / count, larger = total % count;
  return (piece){n * small + (n < larger ? n : larger), small + (n < larger)};
}

/* What to fetch while block number i runs: the blocks of a panel share out the one behind it, or
 * where panels are taken backwards the one before it. */
INLINE const REAL *ahead_of(const REAL *panel, piece columns, long K, long i, long backwards) {
  return panel + ((backwards ? -columns.size : columns.size) + i % columns.size) * LANES * K;
}

/* A whole product [rows] x [vectors of columns], panel by panel; p->panel is the first of them. */
static void multiply_all(long rows, long vectors, long per_panel, const product *p) {
  for (long j = 0; j < pieces(vectors, per_panel); j++) {
    const piece columns = nth_piece(j, vectors, per_panel);
    const long most = MOST_ROWS[columns.size];
    for (long i = 0; i < pieces(rows, most); i++) {
      const piece block = nth_piece(i, rows, most);
      product part = *p;
      part.a += block.at * p->row;
      part.panel += columns.at * LANES * p->K;
      part.panel_row = columns.size * LANES;
      if (p->start) part.start += block.at * p->start_row + columns.at * LANES;
      part.ahead = ahead_of(part.panel, columns, p->K, i, 0);
      part.out += block.at * p->out_row + columns.at * LANES;
      multiply((int)block.size, (int)columns.size, &part);
    }
  }
}

#endif
