/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/tax_shares.h"

#include <assert.h>

#define PPM       INT64_C(1000000)
#define MOST      ((__int128)1 << 60)
#define RATES_MAX 8u

static int64_t divisor_of(int64_t a, int64_t b)
{
    while (b != 0) {
        const int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static void reduce(int64_t *net, int64_t *shares, uint32_t count)
{
    int64_t common = *net;
    for (uint32_t i = 0; i < count; i++) {
        common = divisor_of(common, shares[i]);
    }
    *net /= common;
    for (uint32_t i = 0; i < count; i++) {
        shares[i] /= common;
    }
}

bool tg_tax_shares(const struct tg_tax_rate *rates, uint32_t count, int64_t *net, int64_t *shares)
{
    assert(count <= RATES_MAX);
    *net = 1;
    for (uint32_t i = 0; i < count; i++) {
        const int64_t common = divisor_of(PPM, rates[i].rate_ppm);
        const int64_t per = PPM / common;
        __int128 base = *net;
        __int128 total = *net;
        for (uint32_t j = 0; j < i; j++) {
            base += rates[i].is_compound ? shares[j] : 0;
            total += shares[j];
        }
        const __int128 share = base * (rates[i].rate_ppm / common);
        if (total * per + share >= MOST) {
            return false;
        }
        *net *= per;
        for (uint32_t j = 0; j < i; j++) {
            shares[j] *= per;
        }
        shares[i] = (int64_t)share;
        reduce(net, shares, i + 1);
    }
    return true;
}
