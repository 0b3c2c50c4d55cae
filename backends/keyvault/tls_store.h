/*
 * Whom we trust: one X509_STORE for the process and each ca-file content, shared by all connections, because
 * to read a system's whole bundle costs 22 ms and each libcurl handle would do it again (measured:
 * 43 against 560 connections a second). All threads.
 */
#ifndef BYOK_BACKENDS_KEYVAULT_TLS_STORE_H
#define BYOK_BACKENDS_KEYVAULT_TLS_STORE_H

#include "backends/base/deadline.h"
#include "backends/base/libcrypto.h"
#include <openssl/x509.h>

/*
 * The store of a PEM file, built anew when the file has changed, or of the system (NULL). The caller frees
 * it. CKR_GENERAL_ERROR with a line in the log: unreadable, or no certificate in it. To be called inside
 * libcurl_enter().
 */
MUST_USE CK_RV tls_store_get(const char *about, const char *ca_file, struct deadline deadline,
                             X509_STORE **ret_store);

/* In a forked child: the parent's stores may be locked for ever; they are left alone. One thread alone. */
void tls_store_after_fork(void);

#endif
