/* The way to a vault: its name, the proxy, TLS, and who answers. */
#include "backends/base/scope.h"
#include "backends/keyvault/address.h"
#include "backends/keyvault/http_tls.h"
#include "backends/keyvault/vault_challenge.h"
#include "backends/keyvault/vault_diagnose_private.h"
#include "backends/keyvault/vault_request.h"
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { ADDRESSES_SHOWN = 4, ADDRESSES_SIZE = 512 };

/* --- The proxy --- */

struct way {
    const char *proxy; /* with its password, perhaps; NULL: none */
    const char *from;  /* who says so */
};

static struct way way_of(const struct examination *examination)
{
    static const char *const names[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
    const char *configured = examination->vault->config.proxy;

    if (configured != NULL) {
        return (struct way){configured[0] == 0 ? NULL : configured, "`proxy`"};
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *text = settings_environment(names[i]);

        if (text != NULL && text[0] != 0) {
            return (struct way){text, names[i]};
        }
    }
    return (struct way){NULL, NULL};
}

/* What is before its '@' is nobody's. */
static const char *without_user(const char *proxy)
{
    const char *at = strrchr(proxy, '@'), *host = strstr(proxy, "://");

    return at != NULL ? at + 1 : host != NULL ? host + 3 : proxy;
}

static void tell_proxy(const struct examination *examination, const struct way *way, bool used)
{
    struct diagnosis *diagnosis = examination->diagnosis;

    if (used && way->proxy != NULL) {
        diagnosis_ok(diagnosis, "proxy", "over %s, of %s", without_user(way->proxy), way->from);
    } else if (used) {
        diagnosis_ok(diagnosis, "proxy", "over a proxy");
    } else if (way->proxy != NULL) {
        diagnosis_ok(diagnosis, "proxy", "none: no_proxy of the environment leaves this vault out of %s",
                     way->from);
    } else {
        diagnosis_ok(diagnosis, "proxy", "none%s",
                     way->from == NULL ? "" : ", as `proxy` says, whatever the environment says");
    }
}

/* --- The name --- */

static void free_addresses(struct addrinfo **addresses)
{
    if (*addresses != NULL) {
        freeaddrinfo(*addresses);
    }
}

static void list_addresses(const struct addrinfo *addresses, char ret_text[ADDRESSES_SIZE])
{
    size_t size = 0;
    int shown = 0;

    ret_text[0] = 0;
    for (; addresses != NULL && shown < ADDRESSES_SHOWN && size < ADDRESSES_SIZE;
         addresses = addresses->ai_next) {
        char text[64];

        if (getnameinfo(addresses->ai_addr, addresses->ai_addrlen, text, sizeof text, NULL, 0,
                        NI_NUMERICHOST) == 0) {
            size += (size_t)snprintf(ret_text + size, ADDRESSES_SIZE - size, "%s%s (%s)",
                                     shown == 0 ? "" : ", ", text, address_kind(text));
            shown++;
        }
    }
}

/* An IPv6 address stands in brackets. */
static int resolve(const char *host, struct addrinfo **ret_addresses)
{
    const struct addrinfo wish = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_CANONNAME};
    char name[HOST_NAME_SIZE];

    snprintf(name, sizeof name, "%s", host[0] == '[' ? host + 1 : host);
    name[strcspn(name, "]")] = 0;
    return getaddrinfo(name, NULL, &wish, ret_addresses);
}

static bool examine_name(const struct examination *examination, bool proxied)
{
    struct addrinfo *addresses SCOPED(free_addresses) = NULL;
    const char *host = examination->vault->config.vault.host;
    char text[ADDRESSES_SIZE];
    int wrong = resolve(host, &addresses);

    if (wrong != 0 && proxied) {
        diagnosis_ok(examination->diagnosis, "name-resolution",
                     "%s does not resolve here (%s); the proxy resolves it", host, gai_strerror(wrong));
        return true;
    }
    if (wrong != 0) {
        diagnosis_fail(examination->diagnosis, "name-resolution",
                       "check the name in `vault`, DNS and, for a private endpoint, its private DNS zone",
                       "%s does not resolve: %s", host, gai_strerror(wrong));
        return false;
    }
    list_addresses(addresses, text);
    diagnosis_ok(examination->diagnosis, "name-resolution", "%s leads to %s%s", host, text,
                 addresses->ai_canonname != NULL && strstr(addresses->ai_canonname, ".privatelink.") != NULL
                     ? ", by way of its private link"
                     : "");
    return true;
}

/* --- TLS --- */

static void tell_tls(const struct examination *examination, const struct http_tls *tls)
{
    const char *ca_file = examination->vault->config.ca_file;
    char ends[EXAMINED_DATE_SIZE];

    vault_diagnose_date(tls->ends, ends);
    diagnosis_ok(examination->diagnosis, "tls",
                 "%s; the certificate is by \"%s\", trusted because of \"%s\" in %s, and good until %s",
                 tls->version, tls->issuer, tls->anchor,
                 ca_file == NULL ? "this system's CA certificates" : ca_file, ends);
}

/* Which of the checks a failed connection belongs to. Who goes over a proxy connects to that alone. */
static const char *check_of(const struct http_reply *reply, bool proxied)
{
    switch (reply->failure) {
    case HTTP_UNTRUSTED:
    case HTTP_UNUSABLE:
        return "tls";
    case HTTP_REFUSED:
        return strstr(reply->cause, "proxy") != NULL ? "proxy" : "tls";
    case HTTP_NO_CONNECT:
        return proxied ? "proxy" : "connection";
    default:
        return "connection";
    }
}

/* Of the environment's proxies, no_proxy may leave this vault out: then libcurl names the vault's own host. */
static bool went_over_proxy(const struct examination *examination, const struct way *way,
                            const struct http_reply *reply)
{
    return way->proxy != NULL && (examination->vault->config.proxy != NULL ||
                                  strstr(reply->cause, examination->vault->config.vault.host) == NULL);
}

static void tell_no_connection(const struct examination *examination, const struct way *way,
                               const struct http_reply *reply)
{
    const char *heard = diagnosis_heard(examination->diagnosis);
    bool proxied = went_over_proxy(examination, way, reply);

    diagnosis_fail(examination->diagnosis, check_of(reply, proxied), reply->advice,
                   "no connection to %s%s%s%s%s: %s%s%s", examination->vault->config.url,
                   proxied ? " over the proxy " : "", proxied ? without_user(way->proxy) : "",
                   proxied ? ", of " : "", proxied ? way->from : "", reply->cause, heard[0] == 0 ? "" : "; ",
                   heard);
}

/* --- Who answers --- */

static bool is_guid(const char *text)
{
    return strlen(text) == 36 && text[8] == '-' && strspn(text, "0123456789abcdefABCDEF-") == 36;
}

/* What the vault says of its tenant and of whom tokens are for, beside what is configured. */
static bool examine_challenge(const struct examination *examination, const struct vault_challenge *told)
{
    const struct identity_config *identity = &examination->vault->config.identity;
    struct place audience;
    const char *rest;

    if (identity->tenant != NULL && is_guid(identity->tenant) && is_guid(told->tenant) &&
        strcasecmp(identity->tenant, told->tenant) != 0) {
        diagnosis_fail(examination->diagnosis, "tenant",
                       "correct `tenant`, or leave it out: the vault tells it",
                       "the vault is of the tenant %s, `tenant` says %s", told->tenant, identity->tenant);
        return false;
    }
    if (told->resource.host[0] != 0 && place_parse(identity->audience, &audience, &rest) &&
        !place_equal(&audience, &told->resource)) {
        diagnosis_fail(examination->diagnosis, "audience", "correct `audience`, or leave it out",
                       "the vault takes tokens for https://%s, they are asked for %s", told->resource.host,
                       identity->audience);
        return false;
    }
    return true;
}

static bool examine_refusal(const struct examination *examination, const struct http_reply *reply)
{
    struct vault_error error;
    bool told = vault_json_read_error(buffer_bytes(&reply->body), &error);
    struct vault_ruling ruling = vault_error_judge(VAULT_LIST, reply->status, told ? &error : NULL);
    bool network = told && (strcmp(error.inner, "ForbiddenByFirewall") == 0 ||
                            strcmp(error.inner, "ForbiddenByConnection") == 0);

    diagnosis_fail(examination->diagnosis, network ? "firewall" : "vault", ruling.advice,
                   "asked without a token, %s answers %u %s %s %.200s; its name led to %s (%s)",
                   examination->vault->config.url, reply->status,
                   told ? error.code : "without the service's own words", told ? error.inner : "",
                   told ? error.message : "", reply->address,
                   reply->proxied ? "a proxy" : address_kind(reply->address));
    return false;
}

/* Whoever asks without a token is told by whom tokens are given. */
static bool examine_answer(const struct examination *examination, const struct http_reply *reply)
{
    const struct vault_config *config = &examination->vault->config;
    struct vault_challenge challenge;
    bool good;

    if (reply->status != 401) {
        return examine_refusal(examination, reply);
    }
    (void)vault_challenge_read(buffer_bytes(&reply->challenge), &challenge);
    good = examine_challenge(examination, &challenge);
    if (good) {
        diagnosis_ok(examination->diagnosis, "vault", "%s answers%s%s; it is taken for a %s, api-version %s",
                     config->url, challenge.tenant[0] == 0 ? "" : ", its tenant is ", challenge.tenant,
                     config->managed_hsm ? "Managed HSM" : "Key Vault", config->api_version);
    }
    vault_challenge_done(&challenge);
    return good;
}

/* One request, once, over a new connection. */
static void ask(const struct examination *examination, struct http_tls *tls, struct http_reply *reply)
{
    struct buffer url SCOPED(buffer_free) = BUFFER_INIT(VAULT_URL_LIMIT);
    const struct vault_config *config = &examination->vault->config;
    struct http_request request = {.limit = HTTP_LISTING_LIMIT, .fresh = true, .tls = tls};

    if (buffer_printf(&url, "%s/keys?maxresults=1&api-version=%s", config->url, config->api_version) !=
        CKR_OK) {
        http_reply_fail(reply, HTTP_UNUSABLE, "free some", "no memory");
        return;
    }
    request.url = buffer_text(&url);
    http_exchange(examination->vault->http, &request, vault_diagnose_time(examination), reply);
}

static bool examine_connection(const struct examination *examination, const struct way *way)
{
    struct http_reply reply SCOPED(http_reply_done);
    struct http_tls tls = {.ends = 0};

    http_reply_init(&reply);
    ask(examination, &tls, &reply);
    if (reply.failure != HTTP_ANSWERED) {
        tell_no_connection(examination, way, &reply);
        return false;
    }
    tell_proxy(examination, way, reply.proxied);
    tell_tls(examination, &tls);
    vault_diagnose_clock(examination, reply.date);
    return examine_answer(examination, &reply);
}

bool vault_diagnose_way(const struct examination *examination)
{
    struct way way = way_of(examination);

    return examine_name(examination, way.proxy != NULL) && examine_connection(examination, &way);
}
