/* SPDX-License-Identifier: Apache-2.0 */
/* Digests both ways: answers that access servers accept, messages that prove who sent them. */
#include "radius_bench.h"

#include <criterion/criterion.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

Test(radius_answer, answer_verifies_and_returns_proxy_state)
{
    /* If this fails, no access server accepts our answers and all of them resend for ever. */
    struct bench *b = bench_default();
    struct packet p;
    interim(&p);
    add(&p, 33, "one\0", 4);
    add(&p, 33, "two", 3);
    sign(&p, SECRET);
    decode(b, &p);
    const struct tg_input input = input_of(&p);
    uint8_t answer[4096];
    const uint32_t length = b->decoder->answer(b->state, &input, answer, sizeof(answer));
    cr_assert_eq(length, 31);
    cr_expect_eq(answer[0], 5);
    cr_expect_eq(answer[1], 7);
    cr_expect_eq(answer[3], 31);
    cr_expect_arr_eq(answer + 20, "\x21\x06one\0\x21\x05two", 11);
    uint8_t check[64];
    uint8_t digest[16];
    memcpy(check, answer, length);
    memcpy(check + 4, p.bytes + 4, 16);
    memcpy(check + length, SECRET, 10);
    unsigned size = 0;
    EVP_Digest(check, length + 10, digest, &size, EVP_md5(), NULL);
    cr_expect_arr_eq(digest, answer + 4, 16);
    uint8_t again[4096];
    cr_expect_eq(b->decoder->answer(b->state, &input, again, sizeof(again)), length);
    cr_expect_arr_eq(answer, again, length, "a retransmit gets the same answer");
    cr_expect_eq(b->decoder->answer(b->state, &input, again, 30), 0, "never cut short");
    cr_expect_eq(b->decoder->answer(b->state, &input, again, 19), 0);
    bench_close(b);
}

Test(radius_answer, message_authenticator_is_checked)
{
    /* If this fails, anyone can make us say that we are alive, or slip past the signature. */
    struct bench *b = bench_default();
    for (unsigned code = 4; code <= 12; code += 8) {
        struct packet p;
        uint8_t hmac[16];
        unsigned size = 0;
        start(&p, (uint8_t)code, 9);
        if (code == 4) {
            add_u32(&p, 40, 7);
        } else {
            memset(p.bytes + 4, 0x5a, 16);
        }
        add(&p, 80, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
        finish(&p);
        HMAC(EVP_md5(), SECRET, 10, p.bytes, p.length, hmac, &size);
        memcpy(p.bytes + p.length - 16, hmac, 16);
        if (code == 4) {
            sign(&p, SECRET);
        }
        decode(b, &p);
        cr_expect_eq(b->messages[0].verdict, TG_OK, "code %u", code);
        cr_expect_eq(b->messages[0].flags, TG_MESSAGE_WANTS_ANSWER, "code %u", code);
        p.bytes[p.length - 1] ^= 1;
        if (code == 4) {
            sign(&p, SECRET);
        }
        expect_refusal(b, &p, TG_E_AUTHENTICATOR, "Message-Authenticator", "wrong proof");
    }
    struct packet p;
    start(&p, 12, 9);
    finish(&p);
    expect_refusal(b, &p, TG_E_AUTHENTICATOR, "Message-Authenticator", "Status-Server without");
    bench_close(b);
}

Test(radius_answer, long_secret_works_in_both_digests)
{
    /* If this fails, clients with a secret longer than MD5's block are refused. */
    static const char long_secret[] =
        "0123456789012345678901234567890123456789012345678901234567890123456789";
    const struct tg_setting settings[] = {{"secret.default", long_secret, NULL, 0, 0}};
    struct bench *b = bench_open(settings, 1);
    struct packet p;
    uint8_t hmac[16];
    unsigned size = 0;
    interim(&p);
    add(&p, 80, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    finish(&p);
    HMAC(EVP_md5(), long_secret, (int)strlen(long_secret), p.bytes, p.length, hmac, &size);
    memcpy(p.bytes + p.length - 16, hmac, 16);
    sign(&p, long_secret);
    decode(b, &p);
    cr_expect_eq(b->messages[0].verdict, TG_OK);
    bench_close(b);
}

static unsigned long allocations_count;

static void *counting_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    allocations_count++;
    return malloc(size);
}

static void *counting_realloc(void *memory, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    allocations_count++;
    return realloc(memory, size);
}

static void counting_free(void *memory, const char *file, int line)
{
    (void)file;
    (void)line;
    free(memory);
}

/* OpenSSL takes its allocator only before its first allocation, and a library that is linked in
 * makes that one in its constructor: hence before any constructor. */
static void count_allocations(void)
{
    CRYPTO_set_mem_functions(counting_malloc, counting_realloc, counting_free);
}

__attribute__((section(".preinit_array"),
               used)) static void (*const preinit)(void) = count_allocations;

Test(radius_answer, openssl_allocates_nothing_a_packet)
{
    /* If this fails, the data path takes a lock in the allocator for every packet. */
    struct bench *b = bench_default();
    struct packet p;
    uint8_t answer[4096];
    interim(&p);
    sign(&p, SECRET);
    const struct tg_input input = input_of(&p);
    decode(b, &p);
    const unsigned long before = allocations_count;
    cr_expect_gt(before, 0, "the counter works");
    for (unsigned i = 0; i < 100; i++) {
        decode(b, &p);
        cr_expect_eq(b->decoder->answer(b->state, &input, answer, sizeof(answer)), 20);
    }
    cr_expect_eq(allocations_count, before);
    bench_close(b);
}
