/* One recurrent layer in one direction over whole sequences, forward and backward.
 *
 * The rows of the batch are independent of each other, so each thread takes its share of them
 * through all time steps and never meets another. Time is walked in chunks of some hundred rows
 * (steps x sequences): the input product of a chunk comes just before its recurrence and the weight
 * gradients just after it, while all of it lies in the cache.
 *
 * T time steps, B sequences, I input, H hidden, G gates. Sequences lie time-major and packed as in
 * torch's PackedSequence: step t has the first rows[t] sequences, from row offset[t] on.
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "cells.h"
#include "product.h"

/* OpenMP's GOMP_parallel: `work` with `crew` in so many threads at once. */
typedef void (*parallel)(void (*work)(void *), void *crew, unsigned threads, unsigned flags);

typedef struct {
  int64_t cell, T, B, I, H, reverse, threads;
  int64_t parallel;          /* that function; 0 where there is none */
  const int64_t *rows, *offset;
  const void *x, *W_x, *W_h, *b_x, *b_h; /* (N, I) (GH, I) (GH, H) (GH) (GH); biases may be NULL */
  const void *h_0, *c_0;                 /* (B, H); NULL for zeros */
  void *out, *h_n, *c_n;                 /* (N, H) (B, H) (B, H) */
  void *saved;                           /* (N, saved, H in whole vectors); NULL: no way back */
  const void *dout, *dh_n, *dc_n;        /* NULL for zeros */
  void *dx, *dW_x, *dW_h, *db_x, *db_h;  /* dx may be NULL */
  void *dh_0, *dc_0;                     /* may be NULL */
} sequence;

/* What all threads share: the weights as panels, and sizes in whole vectors. */
typedef struct {
  const sequence *s;
  long units;    /* vectors of hidden units */
  long width;    /* hidden units in whole vectors */
  long inputs;   /* vectors of the input */
  int gates, gradients;
  REAL *W_x, *W_h;           /* forward: gates of a unit side by side; backward: unit by unit */
  REAL *b_x, *b_h;           /* forward */
} shared;

/* Panels as of the weights, [panel][GH][columns]; of few inputs dW_xh turned round, (I, GH). */
enum { DW_X, DW_H, DB };

typedef struct worker worker;
struct worker {
  const shared *all;
  worker *crew;              /* all of them, of whom this is one */
  long number, count;
  long first, last;          /* the sequences of this thread */
  REAL *sums[3];             /* backward, of its sequences: DW_X, DW_H, DB */
  int failed;
};

/* What lies in its share of 0 ... total. */
typedef struct { long from, to; } range;

INLINE range share(const worker *w, long total) {
  return (range){total * w->number / w->count, total * (w->number + 1) / w->count};
}

enum { CHUNK_ROWS = 128, SMALL_INPUT = 8 };

/* Large ones in huge pages where the system has them: small ones lie scattered, and half as much
 * then pushes each other out of the cache. */
static REAL *allocate(long count) {
  const size_t bytes = (size_t)(count + 16) * sizeof(REAL);
  const int large = bytes >= 1 << 20;
  void *memory = NULL;
  if (posix_memalign(&memory, large ? 1 << 21 : 64, bytes)) return NULL;
#ifdef MADV_HUGEPAGE
  if (large) madvise(memory, bytes, MADV_HUGEPAGE);
#endif
  return memory;
}

static REAL *zeros(long count) {
  REAL *memory = allocate(count);
  if (memory) memset(memory, 0, (size_t)count * sizeof(REAL));
  return memory;
}

INLINE long smaller(long a, long b) { return a < b ? a : b; }
INLINE long larger(long a, long b) { return a > b ? a : b; }
INLINE long lanes_left(long length, long vector) { return length - vector * LANES; }

/* The step walked as number n, and how many of a worker's rows it has, 0 beyond the ends. */
INLINE long step(const sequence *s, long n) { return s->reverse ? s->T - 1 - n : n; }

INLINE long active(const worker *w, long n) {
  const sequence *s = w->all->s;
  if (n < 0 || n >= s->T) return 0;
  return larger(0, smaller(s->rows[step(s, n)], w->last) - w->first);
}

/* The first row of a worker in the step that is walked as number n. */
INLINE long first_row(const worker *w, long n) {
  return w->all->s->offset[step(w->all->s, n)] + w->first;
}

/* How many steps from number n on make a chunk, and its rows. */
typedef struct { long steps, rows; } chunk;

static chunk chunk_from(const worker *w, long n, int direction) {
  chunk c = {0, 0};
  for (; n >= 0 && n < w->all->s->T; n += direction) {
    const long more = active(w, n);
    if (c.steps && c.rows + more > CHUNK_ROWS) break;
    c.steps++, c.rows += more;
  }
  return c;
}

/* Rows of `length` values spread out to whole vectors; zeros where there are none. */
static void spread(REAL *to, long to_row, const REAL *from, long from_row, long rows, long length) {
  const long vectors = pieces(length, LANES);
  for (long r = 0; r < rows; r++)
    for (long v = 0; v < vectors; v++)
      store(to + r * to_row + v * LANES,
            from ? load_part(from + r * from_row + v * LANES, lanes_left(length, v)) : (vec){0});
}

static void gather(REAL *to, long to_row, const REAL *from, long from_row, long rows, long length) {
  for (long r = 0; r < rows; r++)
    memcpy(to + r * to_row, from + r * from_row, (size_t)length * sizeof(REAL));
}

/* ---- packing ------------------------------------------------------------------------------- */

/* A worker's share of W (GH, K) -> panels for z = W a: columns are (unit vector, gate), rows k. */
static void pack_gates(const worker *w, REAL *panels, const REAL *W, long K) {
  const shared *all = w->all;
  const long H = all->s->H, G = all->gates, columns = all->units * G;
  const long per_panel = G == 1 ? 4 : G;
  const range mine = share(w, pieces(columns, per_panel));
  for (long j = mine.from; j < mine.to; j++) {
    const piece panel = nth_piece(j, columns, per_panel);
    REAL *to = panels + panel.at * LANES * K;
    for (long v = 0; v < panel.size; v++) {
      const long unit = (panel.at + v) / G * LANES, gate = (panel.at + v) % G;
      const REAL *from = W + (gate * H + unit) * K;
      const long there = smaller(LANES, H - unit);
      for (long k = 0; k < K; k++) {
        vec x = {0};
        if (there == LANES)
#pragma GCC unroll 16
          for (long lane = 0; lane < LANES; lane++) x[lane] = from[lane * K + k];
        else
          for (long lane = 0; lane < there; lane++) x[lane] = from[lane * K + k];
        store(to + (k * panel.size + v) * LANES, x);
      }
    }
  }
}

static void pack_bias(const shared *all, REAL *to, const REAL *b) {
  const long H = all->s->H, G = all->gates;
  for (long c = 0; c < all->units * G; c++)
    for (long lane = 0; lane < LANES; lane++) {
      const long unit = c / G * LANES + lane;
      to[c * LANES + lane] += b && unit < H ? b[c % G * H + unit] : 0;
    }
}

/* Its share of W (GH, N) -> panels for dz W: columns n, rows (gate, unit) with every gate in whole
 * vectors. */
static void pack_rows(const worker *w, REAL *panels, const REAL *W, long N, const int *gate_of) {
  const shared *all = w->all;
  const long H = all->s->H, G = all->gates, K = G * all->width, columns = pieces(N, LANES);
  const range mine = share(w, pieces(columns, 4));
  for (long j = mine.from; j < mine.to; j++) {
    const piece panel = nth_piece(j, columns, 4);
    const long from = panel.at * LANES, row = panel.size * LANES;
    for (long g = 0; g < G; g++) {
      REAL *to = panels + panel.at * LANES * K + g * all->width * row;
      spread(to, row, W + (gate_of ? gate_of[g] : g) * H * N + from, N, H, smaller(N - from, row));
      memset(to + H * row, 0, (size_t)((all->width - H) * row) * sizeof(REAL));
    }
  }
}

static void pack_forward(worker *w) {
  const sequence *s = w->all->s;
  pack_gates(w, w->all->W_x, s->W_x, s->I);
  pack_gates(w, w->all->W_h, s->W_h, s->H);
}

static void pack_backward(worker *w) {
  const sequence *s = w->all->s;
  pack_rows(w, w->all->W_h, s->W_h, s->H, s->cell == GRU ? GATE_OF_STATE[GRU] : NULL);
  if (s->dx) pack_rows(w, w->all->W_x, s->W_x, s->I, NULL);
}

/* The panel taken as number i in time step n: at every other step the other way round, so that those
 * used last, which the cache still has, come first. */
INLINE long in_turn(long n, long i, long panels) { return n % 2 ? panels - 1 - i : i; }

/* ---- forward ------------------------------------------------------------------------------- */

typedef struct {
  const worker *w;
  long n;
  long rows_at;              /* row of the step in `out` and `saved` */
  const REAL *zx;            /* the step's input product, units x gates a row */
  REAL *h_before, *h, *c;    /* (rows, width) */
} forward_step;

INLINE void forward_tile(const int cell, const forward_step *f, piece rows, piece columns,
                         const REAL *z) {
  const shared *all = f->w->all;
  const sequence *s = all->s;
  const long G = GATES[cell], S = SAVED[cell], zx_row = all->units * G * LANES;
  const long H = s->H, width = all->width;
  for (long r = 0; r < rows.size; r++, z += columns.size * LANES)
    for (long v = 0; v < columns.size / G; v++) {
      const long unit = columns.at / G + v, row = rows.at + r, at = row * width + unit * LANES;
      vec gate[4], input[4];
      for (long g = 0; g < G; g++) {
        gate[g] = load(z + (v * G + g) * LANES);
        if (cell == GRU) input[g] = load(f->zx + row * zx_row + (unit * G + g) * LANES);
      }
      after a = cell_forward(cell, gate, input, load(f->h_before + at), load(f->c + at));
      store(f->h + at, a.h);
      if (cell == LSTM) store(f->c + at, a.c);
      store_part((REAL *)s->out + (f->rows_at + row) * H + unit * LANES, a.h, lanes_left(H, unit));
      if (S && s->saved) {
        REAL *to = (REAL *)s->saved + ((f->rows_at + row) * all->units + unit) * S * LANES;
        for (long n = 0; n < S; n++) store(to + n * LANES, a.saved[n]);
      }
    }
}

INLINE void forward_cell(const int cell, const forward_step *f, long rows) {
  const shared *all = f->w->all;
  const long G = GATES[cell], columns = all->units * G, most_vectors = G == 1 ? 4 : G;
  const long H = all->s->H, zx_row = columns * LANES;
  REAL z[8 * 4 * VECTOR_BYTES / sizeof(REAL)] __attribute__((aligned(64)));
  const long panels = pieces(columns, most_vectors);
  for (long j = 0; j < panels; j++) {
    const piece panel = nth_piece(in_turn(f->n, j, panels), columns, most_vectors);
    for (long i = 0; i < pieces(rows, MOST_ROWS[panel.size]); i++) {
      const piece block = nth_piece(i, rows, MOST_ROWS[panel.size]);
      const REAL *start = cell == GRU ? all->b_h : f->zx + block.at * zx_row;
      const REAL *weights = all->W_h + panel.at * LANES * H;
      const product p = {H, f->h_before + block.at * all->width, all->width, 1,
                         weights, panel.size * LANES,
                         start + panel.at * LANES, cell == GRU ? 0 : zx_row,
                         z, panel.size * LANES, ahead_of(weights, panel, H, i, f->n % 2)};
      multiply((int)block.size, (int)panel.size, &p);
      forward_tile(cell, f, block, panel, z);
    }
  }
}

static void forward_all(const forward_step *f, long rows) {
  switch (f->w->all->s->cell) {
    case TANH: forward_cell(TANH, f, rows); break;
    case RELU: forward_cell(RELU, f, rows); break;
    case LSTM: forward_cell(LSTM, f, rows); break;
    default: forward_cell(GRU, f, rows);
  }
}

/* zx = W_xh x + b of the steps of a chunk. */
static void input_product(const worker *w, REAL *zx, long n, chunk c) {
  const shared *all = w->all;
  const sequence *s = all->s;
  const long columns = all->units * all->gates, per_panel = all->gates == 1 ? 4 : all->gates;
  const int side_by_side = !s->reverse && active(w, n) == s->rows[step(s, n)];
  for (long m = n, rows; m < n + c.steps; m++, zx += rows * columns * LANES) {
    rows = active(w, m);
    const REAL *x = (const REAL *)s->x + first_row(w, m) * s->I;
    /* where one thread has all rows, those of the whole chunk lie one after another */
    if (side_by_side) rows = c.rows, m = n + c.steps;
    const product p = {s->I, x, s->I, 1, all->W_x, 0, all->b_x, 0, zx, columns * LANES, NULL};
    multiply_all(rows, columns, per_panel, &p);
  }
}

static void forward_rows(worker *w) {
  const shared *all = w->all;
  const sequence *s = all->s;
  const long rows = w->last - w->first, H = s->H, width = all->width;
  const long columns = all->units * all->gates * LANES;
  REAL *state[2] = {zeros(rows * width), zeros(rows * width)}, *c = zeros(rows * width);
  REAL *zx = allocate(larger(CHUNK_ROWS, rows) * columns);
  if (!state[0] || !state[1] || !c || !zx) w->failed = 1;
  if (!w->failed) {
    const REAL *h_0 = s->h_0, *c_0 = s->c_0;
    for (int i = 0; i < 2; i++)
      if (h_0) spread(state[i], width, h_0 + w->first * H, H, rows, H);
    if (c_0) spread(c, width, c_0 + w->first * H, H, rows, H);
    for (long n = 0; n < s->T;) {
      const chunk now = chunk_from(w, n, 1);
      input_product(w, zx, n, now);
      const REAL *zx_step = zx;
      for (const long end = n + now.steps; n < end; n++) {
        const long here = active(w, n), next = active(w, n + 1);
        const forward_step f = {w, n, first_row(w, n), zx_step, state[n % 2], state[1 - n % 2], c};
        if (here) forward_all(&f, here);
        zx_step += here * columns;
        if (next < here) { /* these sequences end here */
          const long ended = (w->first + next) * H;
          gather((REAL *)s->h_n + ended, H, f.h + next * width, width, here - next, H);
          if (s->c_n) gather((REAL *)s->c_n + ended, H, c + next * width, width, here - next, H);
        }
      }
    }
  }
  free(state[0]), free(state[1]), free(c), free(zx);
}

/* ---- backward ------------------------------------------------------------------------------ */

typedef struct {
  const worker *w;
  long n;
  REAL *dz, *dz_after;       /* of this step and of the one behind it, (rows, dz_row) */
  REAL *dh, *dc;             /* what reaches the state beside the way through W_hh (rows, width) */
} backward_step;

INLINE long dz_row(const shared *all) { return all->gradients * all->width + 16; }

/* h_{t-1} (H) of a worker's row in the step walked as number n; NULL for zeros. */
INLINE const REAL *h_before(const worker *w, long n, long row) {
  const sequence *s = w->all->s;
  if (row < active(w, n - 1)) return (const REAL *)s->out + (first_row(w, n - 1) + row) * s->H;
  return s->h_0 ? (const REAL *)s->h_0 + (w->first + row) * s->H : NULL;
}

/* c_{t-1} likewise, with the distance from one vector of units to the next. */
typedef struct { const REAL *from; long stride; } units_of;

INLINE units_of c_before(const worker *w, long n, long row) {
  const shared *all = w->all;
  const sequence *s = all->s;
  if (row < active(w, n - 1)) {
    const long at = (first_row(w, n - 1) + row) * all->units * SAVED[LSTM] + 4;
    return (units_of){(const REAL *)s->saved + at * LANES, SAVED[LSTM] * LANES};
  }
  return (units_of){s->c_0 ? (const REAL *)s->c_0 + (w->first + row) * s->H : NULL, LANES};
}

INLINE void backward_tile(const int cell, const backward_step *b, piece rows, piece columns,
                          const REAL *dh) {
  const shared *all = b->w->all;
  const sequence *s = all->s;
  const long H = s->H, width = all->width, S = SAVED[cell], row_0 = first_row(b->w, b->n);
  /* how far on in memory lie the values of the step that comes next */
  const long next = b->n ? first_row(b->w, b->n - 1) - row_0 : 0, kept_row = all->units * S * LANES;
  for (long r = rows.at; r < rows.at + rows.size; r++, dh += columns.size * LANES) {
    const REAL *kept = (const REAL *)s->saved + (row_0 + r) * kept_row;
    const REAL *h_was = cell == GRU ? h_before(b->w, b->n, r) : NULL;
    const units_of c_from = cell == LSTM ? c_before(b->w, b->n, r) : (units_of){0};
    for (long v = 0; v < columns.size; v++) {
      const long unit = columns.at + v, left = lanes_left(H, unit), at = unit * LANES;
      const long seen = (row_0 + r) * H + at;
      vec dh_unit = load(dh + v * LANES), dc = {0}, h = {0}, before = {0}, c_was = {0}, saved[5];
      if (s->dout) {
        dh_unit += load_part((const REAL *)s->dout + seen, left);
        __builtin_prefetch((const REAL *)s->dout + seen + next * H);
      }
      for (long k = 0; k < S; k++) {
        saved[k] = load(kept + (unit * S + k) * LANES);
        __builtin_prefetch(kept + (unit * S + k) * LANES + next * kept_row);
      }
      if (cell == TANH || cell == RELU) {
        h = load_part((const REAL *)s->out + seen, left);
        __builtin_prefetch((const REAL *)s->out + seen + next * H);
      }
      if (cell == LSTM) {
        dc = load(b->dc + r * width + at);
        if (c_from.from) c_was = load_part(c_from.from + unit * c_from.stride, left);
      }
      if (h_was) before = load_part(h_was + at, left);
      gradient d = cell_backward(cell, dh_unit, dc, saved, h, before, c_was);
      for (long g = 0; g < GRADIENTS[cell]; g++)
        store(b->dz + r * dz_row(all) + g * width + at, d.dz[g]);
      if (cell == GRU || s->dh_n) store(b->dh + r * width + at, d.dh_before);
      if (cell == LSTM) store(b->dc + r * width + at, d.dc_before);
    }
  }
}

/* dh += dz_after W_hh for rows [from, to), and then the cell's own gradient, unless cell < 0. */
INLINE void backward_cell(const int cell, const backward_step *b, const REAL *dz_after, long from,
                          long to, REAL *dh_0) {
  const shared *all = b->w->all;
  const long K = dz_after ? all->gates * all->width : 0, H = all->s->H, width = all->width;
  REAL dh[8 * 4 * VECTOR_BYTES / sizeof(REAL)] __attribute__((aligned(64)));
  const long panels = pieces(all->units, 4);
  for (long j = 0; j < panels; j++) {
    const piece panel = nth_piece(in_turn(b->n, j, panels), all->units, 4);
    const long most = MOST_ROWS[panel.size];
    for (long i = 0; i < pieces(to - from, most); i++) {
      piece block = nth_piece(i, to - from, most);
      block.at += from;
      const REAL *dz = dz_after ? dz_after + block.at * dz_row(all) : NULL;
      const REAL *weights = all->W_h + panel.at * LANES * all->gates * width;
      const product p = {K, dz, dz_row(all), 1, weights, panel.size * LANES,
                         b->dh + block.at * width + panel.at * LANES, width,
                         dh, panel.size * LANES, ahead_of(weights, panel, K, i, b->n % 2)};
      multiply((int)block.size, (int)panel.size, &p);
      if (cell >= 0) {
        backward_tile(cell, b, block, panel, dh);
      } else {
        const long at = panel.at * LANES;
        gather(dh_0 + block.at * H + at, H, dh, panel.size * LANES, block.size,
               smaller(H - at, panel.size * LANES));
      }
    }
  }
}

static void backward_rows_of_step(const backward_step *b, const REAL *dz_after, long from,
                                  long to) {
  if (to <= from) return;
  switch (b->w->all->s->cell) {
    case TANH: backward_cell(TANH, b, dz_after, from, to, NULL); break;
    case RELU: backward_cell(RELU, b, dz_after, from, to, NULL); break;
    case LSTM: backward_cell(LSTM, b, dz_after, from, to, NULL); break;
    default: backward_cell(GRU, b, dz_after, from, to, NULL);
  }
}

/* sums[m][:] += sum over rows of dz[row][m] * panel[row][:], for the `columns` of a panel. */
static void outer_products(const shared *all, REAL *sums, const REAL *dz, long rows,
                           const REAL *panel, piece columns, const int *gate_of) {
  const long H = all->s->H, most = MOST_ROWS[columns.size], row = columns.size * LANES;
  sums += columns.at * LANES * all->gates * H;
  for (long g = 0; g < all->gates; g++)
    for (long i = 0; i < pieces(H, most); i++) {
      const piece block = nth_piece(i, H, most);
      REAL *to = sums + ((gate_of ? gate_of[g] : g) * H + block.at) * row;
      const product p = {rows, dz + g * all->width + block.at, 1, dz_row(all),
                         panel, row, to, row, to, row, to + block.size * row};
      multiply((int)block.size, (int)columns.size, &p);
    }
}

/* The weight gradients of the steps m, m - 1, ..., whose dz lie one after another. */
static void weight_gradients(const worker *w, const REAL *dz, long m, chunk c, REAL *panel) {
  const shared *all = w->all;
  const sequence *s = all->s;
  const int *gate_of = s->cell == GRU ? GATE_OF_STATE[GRU] : NULL;
  const REAL *dz_x = dz + (all->gradients - all->gates) * all->width;
  for (long j = 0; j < pieces(all->units, 4); j++) {
    const piece columns = nth_piece(j, all->units, 4);
    const long at = columns.at * LANES, row = columns.size * LANES;
    REAL *to = panel;
    for (long n = m; n > m - c.steps; n--) {
      const long here = active(w, n), seen = smaller(here, active(w, n - 1));
      const REAL *before = h_before(w, n, 0), *first = h_before(w, n, seen);
      const long length = smaller(s->H - at, row);
      if (seen) spread(to, row, before + at, s->H, seen, length);
      if (seen < here)
        spread(to + seen * row, row, first ? first + at : NULL, s->H, here - seen, length);
      to += here * row;
    }
    outer_products(all, w->sums[DW_H], dz, c.rows, panel, columns, gate_of);
  }
  if (s->I <= SMALL_INPUT) {
    REAL *to = panel;
    for (long n = m; n > m - c.steps; n--) {
      const long rows = active(w, n);
      memcpy(to, (const REAL *)s->x + first_row(w, n) * s->I, (size_t)(rows * s->I) * sizeof(REAL));
      to += rows * s->I;
    }
    const long vectors = all->gates * all->units, sums_row = vectors * LANES;
    for (long j = 0; j < pieces(vectors, 4); j++) {
      const piece columns = nth_piece(j, vectors, 4);
      const long at = columns.at * LANES, most = MOST_ROWS[columns.size];
      for (long i = 0; i < pieces(s->I, most); i++) {
        const piece block = nth_piece(i, s->I, most);
        REAL *sums = w->sums[DW_X] + block.at * sums_row + at;
        const product p = {c.rows, panel + block.at, 1, s->I, dz_x + at, dz_row(all),
                           sums, sums_row, sums, sums_row, panel};
        multiply((int)block.size, (int)columns.size, &p);
      }
    }
  } else {
    for (long j = 0; j < pieces(all->inputs, 4); j++) {
      const piece columns = nth_piece(j, all->inputs, 4);
      const long at = columns.at * LANES, row = columns.size * LANES;
      REAL *to = panel;
      for (long n = m; n > m - c.steps; n--) {
        const long rows = active(w, n);
        const REAL *x = (const REAL *)s->x + first_row(w, n) * s->I + at;
        spread(to, row, x, s->I, rows, smaller(s->I - at, row));
        to += rows * row;
      }
      outer_products(all, w->sums[DW_X], dz_x, c.rows, panel, columns, NULL);
    }
  }
  REAL *bias = w->sums[DB];
  for (long r = 0; r < c.rows; r++)
    for (long v = 0; v < all->gradients * all->units; v++)
      store(bias + v * LANES, load(bias + v * LANES) + load(dz + r * dz_row(all) + v * LANES));
}

/* dx = dz W_xh of the same steps. */
static void input_gradient(const worker *w, const REAL *dz, long m, chunk c) {
  const shared *all = w->all;
  const sequence *s = all->s;
  const long K = all->gates * all->width;
  const REAL *dz_x = dz + (all->gradients - all->gates) * all->width;
  REAL dx[8 * 4 * VECTOR_BYTES / sizeof(REAL)] __attribute__((aligned(64)));
  for (long j = 0; j < pieces(all->inputs, 4); j++) {
    const piece panel = nth_piece(j, all->inputs, 4);
    const long at = panel.at * LANES, most = MOST_ROWS[panel.size];
    const REAL *from = dz_x;
    for (long n = m; n > m - c.steps; n--) {
      const long rows = active(w, n);
      REAL *to = (REAL *)s->dx + first_row(w, n) * s->I + at;
      for (long i = 0; i < (rows ? pieces(rows, most) : 0); i++) {
        const piece block = nth_piece(i, rows, most);
        const REAL *weights = all->W_x + at * K;
        const int whole = at + panel.size * LANES <= s->I; /* no lane sticks out of the row */
        const product p = {K, from + block.at * dz_row(all), dz_row(all), 1,
                           weights, panel.size * LANES, NULL, 0,
                           whole ? to + block.at * s->I : dx, whole ? s->I : panel.size * LANES,
                           ahead_of(weights, panel, K, i, 0)};
        multiply((int)block.size, (int)panel.size, &p);
        if (!whole)
          gather(to + block.at * s->I, s->I, dx, panel.size * LANES, block.size, s->I - at);
      }
      from += rows * dz_row(all);
    }
  }
}

static void backward_rows(worker *w) {
  const shared *all = w->all;
  const sequence *s = all->s;
  const long rows = w->last - w->first, H = s->H, width = all->width;
  const long most = larger(CHUNK_ROWS, rows), start = w->first * H;
  REAL *dh = zeros(rows * width), *dc = zeros(rows * width), *panel = allocate(most * 4 * LANES);
  REAL *dz_chunk = zeros((most + rows) * dz_row(all));
  const long rows_x = s->I <= SMALL_INPUT ? s->I * width : H * all->inputs * LANES;
  const long sizes[] = {all->gates * rows_x, all->gates * H * width, all->gradients * width};
  for (int i = 0; i < 3; i++) w->failed |= !(w->sums[i] = zeros(sizes[i]));
  if (!dh || !dc || !panel || !dz_chunk) w->failed = 1;
  if (!w->failed) {
    const REAL *dh_n = s->dh_n, *dc_n = s->dc_n;
    if (dh_n) spread(dh, width, dh_n + start, H, rows, H);
    if (dc_n) spread(dc, width, dc_n + start, H, rows, H);
    REAL *dz_after = dz_chunk, *chunk_start = dz_chunk + rows * dz_row(all);
    for (long n = s->T - 1; n >= 0;) {
      const chunk now = chunk_from(w, n, -1);
      const long from = n;
      REAL *dz = chunk_start;
      for (; n > from - now.steps; n--) {
        const long here = active(w, n), after = smaller(here, active(w, n + 1));
        const long before = active(w, n - 1);
        const backward_step b = {w, n, dz, dz_after, dh, dc};
        backward_rows_of_step(&b, dz_after, 0, after);
        backward_rows_of_step(&b, NULL, after, here);
        if (before < here) { /* these sequences begin here */
          if (s->dh_0) backward_cell(-1, &b, dz, before, here, (REAL *)s->dh_0 + start);
          if (s->dc_0)
            gather((REAL *)s->dc_0 + start + before * H, H, dc + before * width, width,
                   here - before, H);
        }
        dz_after = dz;
        dz += here * dz_row(all);
      }
      weight_gradients(w, chunk_start, from, now, panel);
      if (s->dx) input_gradient(w, chunk_start, from, now);
      if (dz_after < chunk_start + active(w, n) * dz_row(all)) { /* it would be written over */
        memcpy(dz_chunk, dz_after, (size_t)(active(w, n + 1) * dz_row(all)) * sizeof(REAL));
        dz_after = dz_chunk;
      }
    }
  }
  free(dh), free(dc), free(panel), free(dz_chunk);
}

/* to[k] = the sum over workers of their sums[kind][at + k * stride] */
static void add_parts(const worker *self, REAL *to, int kind, long at, long length, long stride) {
  for (long i = 0; i < self->count; i++) {
    const REAL *part = self->crew[i].sums[kind] + at;
    for (long k = 0; k < length; k++) to[k] = (i ? to[k] : 0) + part[k * stride];
  }
}

/* Rows of a gradient (GH, N) out of the panels of all workers. */
static void add_panels(const worker *self, REAL *gradient, int kind, long N, range rows) {
  const long GH = self->all->gates * self->all->s->H;
  for (long j = 0; j < pieces(pieces(N, LANES), 4); j++) {
    const piece columns = nth_piece(j, pieces(N, LANES), 4);
    const long at = columns.at * LANES, size = columns.size * LANES;
    for (long row = rows.from; row < rows.to; row++)
      add_parts(self, gradient + row * N + at, kind, at * GH + row * size, smaller(size, N - at), 1);
  }
}

/* A worker's share of the gradients in torch's layout. */
static void add_up(worker *self) {
  const shared *all = self->all;
  const sequence *s = all->s;
  const long H = s->H, I = s->I, width = all->width;
  const range mine = share(self, all->gates * H);
  add_panels(self, s->dW_h, DW_H, H, mine);
  if (I > SMALL_INPUT) {
    add_panels(self, s->dW_x, DW_X, I, mine);
  } else {
    for (long row = mine.from; row < mine.to; row++)
      add_parts(self, (REAL *)s->dW_x + row * I, DW_X, row / H * width + row % H, I,
                all->gates * width);
  }
  if (self->number) return;
  for (long g = 0; g < all->gates; g++) {
    const int gate = s->cell == GRU ? GATE_OF_STATE[GRU][g] : (int)g;
    const long of_input = g + all->gradients - all->gates;
    if (s->db_h) add_parts(self, (REAL *)s->db_h + gate * H, DB, g * width, H, 1);
    if (s->db_x) add_parts(self, (REAL *)s->db_x + g * H, DB, of_input * width, H, 1);
  }
}

/* ---- threads and entry --------------------------------------------------------------------- */

/* Gradients that vanish end in numbers under 1e-38, on which processors are 100 times slower:
 * float kernels take them as 0. */
static unsigned flush_tiny(void) {
#if (defined(__x86_64__) || defined(__i386__)) && defined(REAL_IS_FLOAT)
  const unsigned before = _mm_getcsr();
  _mm_setcsr(before | 0x8040);
  return before;
#else
  return 0;
#endif
}

static void restore_tiny(unsigned before) {
#if (defined(__x86_64__) || defined(__i386__)) && defined(REAL_IS_FLOAT)
  _mm_setcsr(before);
#else
  (void)before;
#endif
}

/* Where the rows are cut so that each of `workers` walks about as many steps. */
static long cut(const sequence *s, long n, long workers) {
  int64_t total = 0, before = 0;
  for (long t = 0; t < s->T; t++) total += s->rows[t];
  for (long row = 0, length = s->T; row < s->B; row++, before += length) {
    if (before * workers >= total * n) return row;
    while (length > 0 && s->rows[length - 1] <= row) length--;
  }
  return s->B;
}

/* The workers of a call; whichever thread comes takes the next one that nobody has taken. */
typedef struct {
  worker *workers;
  long count, taken;
  void (*rows)(worker *);
} crew;

static void work(void *argument) {
  crew *c = argument;
  const unsigned before = flush_tiny();
  for (long i; (i = __atomic_fetch_add(&c->taken, 1, __ATOMIC_RELAXED)) < c->count;)
    c->rows(&c->workers[i]);
  restore_tiny(before);
}

static void *work_apart(void *c) {
  work(c);
  return NULL;
}

/* In the threads that torch has, which may be spinning where ours would want to run; where they
 * cannot be had, in some of our own. 1 where a worker found no memory. */
static int run(worker *workers, long count, void (*rows)(worker *)) {
  crew c = {workers, count, 0, rows};
  const parallel torch_threads = (parallel)workers->all->s->parallel;
  if (count > 1 && torch_threads) {
    torch_threads(work, &c, (unsigned)count, 0);
  } else {
    pthread_t threads[64];
    long started = 0;
    while (started < count - 1 && !pthread_create(&threads[started], NULL, work_apart, &c))
      started++;
    work(&c);
    while (started > 0) pthread_join(threads[--started], NULL);
  }
  int failed = 0;
  for (long i = 0; i < count; i++) failed |= workers[i].failed;
  return failed;
}

static shared describe(const sequence *s) {
  const long units = pieces(s->H, LANES);
  return (shared){s, units, units * LANES, pieces(s->I, LANES),
                  GATES[s->cell], GRADIENTS[s->cell], NULL, NULL, NULL, NULL};
}

static long divide(const shared *all, worker *workers) {
  const sequence *s = all->s;
  const long count = larger(1, smaller(smaller(s->threads, 64), s->B));
  for (long i = 0; i < count; i++)
    workers[i] = (worker){
        .all = all, .crew = workers, .number = i, .count = count,
        .first = cut(s, i, count), .last = cut(s, i + 1, count)};
  return count;
}

/* 0, or 1 where there was not enough memory. */
int EXPORTED(forward)(const sequence *s) {
  shared all = describe(s);
  const long columns = all.units * all.gates * LANES;
  worker workers[64];
  const long count = divide(&all, workers);
  int failed = 1;
  all.W_x = allocate(columns * s->I), all.W_h = allocate(columns * s->H);
  all.b_x = zeros(columns), all.b_h = zeros(columns);
  if (all.W_x && all.W_h && all.b_x && all.b_h) {
    pack_bias(&all, all.b_x, s->b_x);
    pack_bias(&all, s->cell == GRU ? all.b_h : all.b_x, s->b_h);
    run(workers, count, pack_forward);
    failed = run(workers, count, forward_rows);
  }
  free(all.W_x), free(all.W_h), free(all.b_x), free(all.b_h);
  return failed;
}

int EXPORTED(backward)(const sequence *s) {
  shared all = describe(s);
  const long K = all.gates * all.width;
  worker workers[64];
  const long count = divide(&all, workers);
  int failed = 1;
  all.W_h = allocate(K * all.width), all.W_x = allocate(K * all.inputs * LANES);
  if (all.W_h && all.W_x) {
    run(workers, count, pack_backward);
    failed = run(workers, count, backward_rows);
    if (!failed) run(workers, count, add_up);
  }
  for (long i = 0; i < count; i++)
    for (int k = 0; k < 3; k++) free(workers[i].sums[k]);
  free(all.W_h), free(all.W_x);
  return failed;
}
