// The scattering transform once for each tier: NAME and ATTRIBUTE are those of the tier. Everything is over vectors of 16
// floats, one lane an image.

/// A transform of n complex vectors of which one lies `stride` after the other, by mixed radices (Stockham's order).
ATTRIBUTE static void NAME(line)(size_t n, const float *roots, size_t root_step, float sign, lanes *re, lanes *im,
                                 size_t stride) {
    lanes room[4][TACIT_SCATTERING_LONGEST];
    lanes *xr = room[0], *xi = room[1], *yr = room[2], *yi = room[3];
    for (size_t i = 0; i < n; i++) {
        xr[i] = re[i * stride];
        xi[i] = im[i * stride];
    }
    size_t left = n, done = 1;
    while (left > 1) {
        size_t radix = left % 4 == 0 ? 4 : left % 3 == 0 ? 3 : left % 2 == 0 ? 2 : left % 5 == 0 ? 5 : left;
        size_t m = left / radix;
        for (size_t p = 0; p < m; p++) {
            for (size_t q = 0; q < done; q++) {
                const lanes *ar = xr + q + done * p, *ai = xi + q + done * p;
                lanes *br = yr + q + done * radix * p, *bi = yi + q + done * radix * p;
                size_t step = done * m;
                lanes sr[5], si[5];
                if (radix == 2) {
                    sr[0] = ar[0] + ar[step], si[0] = ai[0] + ai[step];
                    sr[1] = ar[0] - ar[step], si[1] = ai[0] - ai[step];
                } else if (radix == 3) {
                    lanes tr = ar[step] + ar[2 * step], ti = ai[step] + ai[2 * step];
                    lanes dr = (ar[step] - ar[2 * step]) * (sign * 0.86602540378f);
                    lanes di = (ai[step] - ai[2 * step]) * (sign * 0.86602540378f);
                    lanes mr = ar[0] - 0.5f * tr, mi = ai[0] - 0.5f * ti;
                    sr[0] = ar[0] + tr, si[0] = ai[0] + ti;
                    sr[1] = mr - di, si[1] = mi + dr;
                    sr[2] = mr + di, si[2] = mi - dr;
                } else if (radix == 4) {
                    lanes er = ar[0] + ar[2 * step], ei = ai[0] + ai[2 * step];
                    lanes fr = ar[0] - ar[2 * step], fi = ai[0] - ai[2 * step];
                    lanes gr = ar[step] + ar[3 * step], gi = ai[step] + ai[3 * step];
                    lanes hr = (ar[step] - ar[3 * step]) * sign, hi = (ai[step] - ai[3 * step]) * sign;
                    sr[0] = er + gr, si[0] = ei + gi;
                    sr[1] = fr - hi, si[1] = fi + hr;
                    sr[2] = er - gr, si[2] = ei - gi;
                    sr[3] = fr + hi, si[3] = fi - hr;
                } else {
                    // Any other prime, term by term; the twiddle is part of the sum below.
                    for (size_t k = 0; k < radix; k++) {
                        lanes tr = ar[0], ti = ai[0];
                        for (size_t j = 1; j < radix; j++) {
                            size_t root = j * k % radix * (n / radix) * root_step;
                            float c = roots[2 * root], s = sign * roots[2 * root + 1];
                            tr += ar[j * step] * c - ai[j * step] * s;
                            ti += ar[j * step] * s + ai[j * step] * c;
                        }
                        size_t root = p * k * done % n * root_step;
                        float c = roots[2 * root], s = sign * roots[2 * root + 1];
                        br[k * done] = tr * c - ti * s;
                        bi[k * done] = tr * s + ti * c;
                    }
                    continue;
                }
                br[0] = sr[0], bi[0] = si[0];
                for (size_t k = 1; k < radix; k++) {
                    size_t root = p * k * done % n * root_step;
                    float c = roots[2 * root], s = sign * roots[2 * root + 1];
                    br[k * done] = sr[k] * c - si[k] * s;
                    bi[k * done] = sr[k] * s + si[k] * c;
                }
            }
        }
        lanes *t = xr;
        xr = yr, yr = t;
        t = xi, xi = yi, yi = t;
        left = m;
        done *= radix;
    }
    for (size_t i = 0; i < n; i++) {
        re[i * stride] = xr[i];
        im[i * stride] = xi[i];
    }
}

ATTRIBUTE static void NAME(plane)(const tacit_scattering_plan *plan, size_t half, float sign, lanes *re, lanes *im) {
    size_t rows = plan->rows >> half, columns = plan->columns >> half;
    for (size_t i = 0; i < rows; i++)
        NAME(line)(columns, plan->column_roots, (size_t)1 << half, sign, re + i * columns, im + i * columns, 1);
    for (size_t j = 0; j < columns; j++)
        NAME(line)(rows, plan->row_roots, (size_t)1 << half, sign, re + j, im + j, columns);
}

/// The low-pass of a map into one channel of the result.
ATTRIBUTE static void NAME(average)(const tacit_scattering_plan *plan, size_t half, const lanes *map, float *result,
                                    size_t channels) {
    size_t rows = plan->rows >> half, columns = plan->columns >> half;
    const float *a = half ? plan->half_rows : plan->full_rows, *b = half ? plan->half_columns : plan->full_columns;
    lanes line[TACIT_SCATTERING_LONGEST];
    for (size_t i = 0; i < plan->result_rows; i++) {
        for (size_t j = 0; j < columns; j++) line[j] = (lanes){0};
        for (size_t r = 0; r < rows; r++) {
            float factor = a[i * rows + r];
            for (size_t j = 0; j < columns; j++) line[j] += map[r * columns + j] * factor;
        }
        for (size_t o = 0; o < plan->result_columns; o++) {
            lanes sum = {0};
            for (size_t j = 0; j < columns; j++) sum += line[j] * b[o * columns + j];
            memcpy(result + (i * plan->result_columns + o) * channels * 16, &sum, sizeof sum);
        }
    }
}

/// |x·filter| at half size: the spectrum's four quarters fall on each other.
ATTRIBUTE static void NAME(half_modulus)(const tacit_scattering_plan *plan, const lanes *re, const lanes *im,
                                         const float *filter, lanes *map, lanes *rest) {
    size_t rows = plan->rows / 2, columns = plan->columns / 2, width = plan->columns;
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < columns; j++) {
            size_t a = i * width + j, b = a + columns, c = a + rows * width, d = c + columns;
            map[i * columns + j] = re[a] * filter[a] + re[b] * filter[b] + re[c] * filter[c] + re[d] * filter[d];
            rest[i * columns + j] = im[a] * filter[a] + im[b] * filter[b] + im[c] * filter[c] + im[d] * filter[d];
        }
    }
    NAME(plane)(plan, 1, 1, map, rest);
    for (size_t i = 0; i < rows * columns; i++)
        map[i] = __builtin_elementwise_sqrt(map[i] * map[i] + rest[i] * rest[i]);
}

ATTRIBUTE static void NAME(scattering)(const tacit_scattering_plan *plan, const float *images, float *result,
                                       float *scratch) {
    size_t size = plan->rows * plan->columns, count = plan->orientations, channels = 1 + 2 * count + count * count;
    lanes *xr = (lanes *)scratch, *xi = xr + size, *ur = xi + size, *ui = ur + size, *map = ui + size,
          *rest = map + size / 4;
    memcpy(xr, images, size * sizeof(lanes));
    for (size_t i = 0; i < size; i++) xi[i] = (lanes){0};
    NAME(average)(plan, 0, xr, result, channels);
    NAME(plane)(plan, 0, -1, xr, xi);
    for (size_t first = 0; first < count; first++) {
        const float *filter = plan->fine + first * size;
        for (size_t i = 0; i < size; i++) {
            ur[i] = xr[i] * filter[i];
            ui[i] = xi[i] * filter[i];
        }
        NAME(plane)(plan, 0, 1, ur, ui);
        for (size_t i = 0; i < size; i++) {
            ur[i] = __builtin_elementwise_sqrt(ur[i] * ur[i] + ui[i] * ui[i]);
            ui[i] = (lanes){0};
        }
        NAME(average)(plan, 0, ur, result + (1 + first) * 16, channels);
        NAME(plane)(plan, 0, -1, ur, ui);
        for (size_t second = 0; second < count; second++) {
            NAME(half_modulus)(plan, ur, ui, plan->coarse + second * size, map, rest);
            NAME(average)(plan, 1, map, result + (1 + 2 * count + first * count + second) * 16, channels);
        }
    }
    for (size_t first = 0; first < count; first++) {
        NAME(half_modulus)(plan, xr, xi, plan->coarse + first * size, map, rest);
        NAME(average)(plan, 1, map, result + (1 + count + first) * 16, channels);
    }
}
