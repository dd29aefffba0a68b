/* The cells as their equations, forward and backward, on vectors of hidden units.
 *
 * z is what the tile gives: for the vanilla RNN and the LSTM the whole W_xh x_t + W_hh h_{t-1} + b,
 * for the GRU the state's share alone, W_hh h_{t-1} + b_hh, the input's being zx. Gate order is
 * torch's: LSTM i f g o, GRU r z n.
 */
#ifndef CELLS_H
#define CELLS_H

#include "functions.h"

enum { TANH, RELU, LSTM, GRU };

/* How many vectors a vector of units has: gates of W, values saved for the way back, gradients dz.
 * The GRU's dz is (n of the state's share, r, z, n of the input's share): the first three belong
 * to W_hh, the last three to W_xh. */
static const int GATES[] = {1, 1, 4, 3}, SAVED[] = {0, 0, 5, 4}, GRADIENTS[] = {1, 1, 4, 4};
static const int GATE_OF_STATE[4][4] = {{0}, {0}, {0, 1, 2, 3}, {2, 0, 1}};

typedef struct { vec h, c, saved[5]; } after;

INLINE after cell_forward(const int cell, const vec *z, const vec *zx, vec h, vec c) {
  if (cell == TANH) return (after){.h = hyperbolic_tangent(z[0])};
  if (cell == RELU) return (after){.h = rectifier(z[0])};
  if (cell == LSTM) {
    vec i = logistic(z[0]), f = logistic(z[1]), g = hyperbolic_tangent(z[2]), o = logistic(z[3]);
    c = f * c + i * g;
    h = o * hyperbolic_tangent(c);
    return (after){h, c, {i, f, g, o, c}};
  }
  vec r = logistic(zx[0] + z[0]), u = logistic(zx[1] + z[1]);
  vec n = hyperbolic_tangent(zx[2] + r * z[2]);
  h = (1 - u) * n + u * h;
  return (after){.h = h, .saved = {r, u, n, z[2]}};
}

/* dz of every gate; dh_before is what reaches h_{t-1} beside the way through W_hh. */
typedef struct { vec dz[4], dh_before, dc_before; } gradient;

INLINE gradient cell_backward(const int cell, vec dh, vec dc, const vec *saved, vec h, vec h_before,
                              vec c_before) {
  if (cell == TANH) return (gradient){.dz = {dh * (1 - h * h)}};
  if (cell == RELU) return (gradient){.dz = {choose(h > 0, dh, splat(0))}};
  if (cell == LSTM) {
    vec i = saved[0], f = saved[1], g = saved[2], o = saved[3];
    vec tanh_c = hyperbolic_tangent(saved[4]);
    dc += dh * o * (1 - tanh_c * tanh_c);
    return (gradient){.dz = {dc * g * i * (1 - i), dc * c_before * f * (1 - f),
                             dc * i * (1 - g * g), dh * tanh_c * o * (1 - o)},
                      .dc_before = dc * f};
  }
  vec r = saved[0], u = saved[1], n = saved[2], hn = saved[3];
  vec dn = dh * (1 - u) * (1 - n * n);
  return (gradient){.dz = {dn * r, dn * hn * r * (1 - r), dh * (h_before - n) * u * (1 - u), dn},
                    .dh_before = dh * u};
}

#endif
