/* SPDX-License-Identifier: Apache-2.0 */
/* Criterion carries a git library whose TLS reads and parses every certificate authority of the
 * system when a program starts, and Criterion starts a program for each test: 14 of 24 ms. No test
 * speaks TLS. The library takes this definition before its own, and trusts nobody. */

struct mbedtls_x509_crt;

__attribute__((visibility("default"))) int
mbedtls_x509_crt_parse_file(struct mbedtls_x509_crt *chain, const char *path);

int mbedtls_x509_crt_parse_file(struct mbedtls_x509_crt *chain, const char *path)
{
    (void)chain;
    (void)path;
    return 0;
}
