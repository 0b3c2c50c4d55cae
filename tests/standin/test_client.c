/* The client of the stand-in's own tests. */
#include "tests/standin/test_client.h"
#include "tests/standin/text.h"
#include <curl/curl.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct standin_process standin;
_Thread_local long give_up_after;
static char *usual_token, *mhsm_token;

/* --- Replies --- */

void reply_done(struct reply *reply)
{
    free(reply->headers);
    free(reply->body);
    cJSON_Delete(reply->json);
}

const cJSON *reply_item(const struct reply *reply, const char *path)
{
    const cJSON *item = reply->json;

    while (item != NULL && *path != '\0') {
        size_t size = strcspn(path, ".");
        char *name OWNED(owned_free) = need(strndup(path, size));

        item = cJSON_IsArray(item) ? cJSON_GetArrayItem(item, atoi(name))
                                   : cJSON_GetObjectItemCaseSensitive(item, name);
        path += size + (path[size] == '.' ? 1 : 0);
    }
    return item;
}

const char *reply_text(const struct reply *reply, const char *path)
{
    const char *found = cJSON_GetStringValue(reply_item(reply, path));

    return found == NULL ? "" : found;
}

const char *reply_header(const struct reply *reply, const char *name)
{
    static char value[1024];
    size_t length = strlen(name);

    for (const char *line = reply->headers; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n' ? 1 : 0;
        if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
            snprintf(value, sizeof value, "%.*s", (int)strcspn(line + length + 2, "\r\n"), line + length + 2);
            return value;
        }
    }
    return NULL;
}

void ignore(struct reply reply)
{
    reply_done(&reply);
}

/* --- Requests --- */

static size_t append(char *data, size_t size, size_t count, void *argument)
{
    struct blob *blob = argument;

    blob->data = need(realloc(blob->data, blob->size + count * size + 1));
    memcpy(blob->data + blob->size, data, count * size);
    blob->size += count * size;
    blob->data[blob->size] = '\0';
    return count * size;
}

static struct reply perform(CURL *curl)
{
    struct blob headers = {need(calloc(1, 1)), 0}, body = {need(calloc(1, 1)), 0};
    struct reply reply = {0};

    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_CAINFO, standin.vault_ca);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, give_up_after == 0 ? 60000L : give_up_after);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, append);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, append);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &headers);
    if (curl_easy_perform(curl) == CURLE_OK) {
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply.status);
    }
    curl_easy_getinfo(curl, CURLINFO_TOTAL_TIME, &reply.seconds);
    curl_easy_getinfo(curl, CURLINFO_NUM_CONNECTS, &reply.redials);
    curl_easy_cleanup(curl);
    reply.headers = (char *)headers.data;
    reply.body = (char *)body.data;
    reply.size = body.size;
    reply.json = cJSON_Parse(reply.body);
    return reply;
}

struct reply call_url(const char *method, const char *url, const char *const *lines, const char *body)
{
    CURL *curl = need(curl_easy_init());
    struct curl_slist *headers = NULL;
    struct reply reply;

    for (; *lines != NULL; lines++) {
        headers = curl_slist_append(headers, *lines);
    }
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (body != NULL) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    }
    reply = perform(curl);
    curl_slist_free_all(headers);
    return reply;
}

static struct reply request(const char *bearer, const char *method, const char *url, const char *body)
{
    char *token OWNED(owned_free) = text("Authorization: Bearer %s", bearer == NULL ? "" : bearer);
    const char *const lines[] = {"x-ms-client-request-id: 0badcafe-0000-4000-8000-000000000000",
                                 "Content-Type: application/json", bearer == NULL ? NULL : token, NULL};

    return call_url(method, url, lines, body);
}

/* With an api-version where the path names none. */
static struct reply call_service(const char *base, const char *bearer, const char *method, const char *path,
                                 const char *body)
{
    const char *version = strstr(path, "api-version") != NULL ? ""
                          : strchr(path, '?') == NULL         ? "?api-version=7.6"
                                                              : "&api-version=7.6";
    char *url OWNED(owned_free) = text("%s%s%s", base, path, version);

    return request(bearer, method, url, body);
}

struct reply call_vault(const char *bearer, const char *method, const char *path, const char *body)
{
    return call_service(standin.vault_url, bearer, method, path, body);
}

static const char *the_token(void)
{
    if (usual_token == NULL) {
        usual_token = fresh_token();
    }
    return usual_token;
}

struct reply vault(const char *method, const char *path, const char *body)
{
    return call_vault(the_token(), method, path, body);
}

static const char *the_mhsm_token(void)
{
    if (mhsm_token == NULL) {
        struct reply reply ENDS(reply_done) = ask_token(standin.tenant_id, standin.client_id, client_secret(),
                                                        "https://managedhsm.azure.net/.default");

        assert_int_equal(reply.status, 200);
        mhsm_token = need(strdup(reply_text(&reply, "access_token")));
    }
    return mhsm_token;
}

struct reply mhsm(const char *method, const char *path, const char *body)
{
    return call_service(standin.mhsm_url, the_mhsm_token(), method, path, body);
}

struct reply vault_url(const char *url)
{
    return request(the_token(), "GET", url, NULL);
}

/* --- Tokens --- */

char *form_escaped(const char *plain)
{
    char *made = curl_easy_escape(NULL, plain, 0), *copy = need(strdup(made));

    curl_free(made);
    return copy;
}

struct reply post_form(const char *url, const char *form)
{
    CURL *curl = need(curl_easy_init());

    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, form);
    return perform(curl);
}

struct reply ask_token(const char *tenant, const char *client_id, const char *secret, const char *scope)
{
    char *url OWNED(owned_free) = text("%s/%s/oauth2/v2.0/token", standin.identity_url, tenant);
    char *id OWNED(owned_free) = form_escaped(client_id), *key OWNED(owned_free) = form_escaped(secret);
    char *wanted OWNED(owned_free) = form_escaped(scope);
    char *form OWNED(owned_free) =
        text("grant_type=client_credentials&client_id=%s&client_secret=%s&scope=%s", id, key, wanted);

    return post_form(url, form);
}

const char *client_secret(void)
{
    static char secret[128];
    FILE *file = fopen(standin.client_secret_file, "re");

    assert_non_null(file);
    assert_non_null(fgets(secret, sizeof secret, file));
    fclose(file);
    return secret;
}

char *fresh_token(void)
{
    struct reply reply ENDS(reply_done) =
        ask_token(standin.tenant_id, standin.client_id, client_secret(), "https://vault.azure.net/.default");

    assert_int_equal(reply.status, 200);
    return need(strdup(reply_text(&reply, "access_token")));
}

void forget_token(void)
{
    free(usual_token);
    free(mhsm_token);
    usual_token = mhsm_token = NULL;
}

/* --- Another caller, another service --- */

char *token_with(const char *permissions, const char *resource)
{
    char *path OWNED(owned_free) = text("/callers/%s", SOMEBODY);
    char *body OWNED(owned_free) = text("{\"secret\":\"s\",\"permissions\":%s}", permissions);
    char *scope OWNED(owned_free) = text("%s/.default", resource);
    struct reply reply ENDS(reply_done) = {0};

    control(path, body);
    reply = ask_token(standin.tenant_id, SOMEBODY, "s", scope);
    assert_int_equal(reply.status, 200);
    return text("%s", reply_text(&reply, "access_token"));
}

struct reply call_mhsm(const char *token, const char *method, const char *path, const char *body)
{
    char *url OWNED(owned_free) = text("%s%s?api-version=7.6", standin.mhsm_url, path);
    char *bearer OWNED(owned_free) = text("Authorization: Bearer %s", token == NULL ? "" : token);
    const char *const lines[] = {"Content-Type: application/json", token == NULL ? NULL : bearer, NULL};

    return call_url(method, url, lines, body);
}

/* --- Short forms --- */

void control(const char *path, const char *json)
{
    char *answer OWNED(owned_free) = standin_control(&standin, "PUT", path, json);

    assert_non_null(answer);
}

bool use_key(const char *path, const char *alg, const void *in, size_t size, unsigned char *out,
             size_t *out_size)
{
    char *value OWNED(owned_free) = base64url(in, size);
    char *body OWNED(owned_free) = text("{\"alg\":\"%s\",\"value\":\"%s\"}", alg, value);
    struct reply reply ENDS(reply_done) = vault("POST", path, body);
    struct blob got OWNED(owned_blob) = {NULL, 0};

    if (reply.status != 200) {
        return false;
    }
    assert_true(base64url_decode(reply_text(&reply, "value"), &got));
    assert_true(got.size <= *out_size);
    memcpy(out, got.data, got.size);
    *out_size = got.size;
    return true;
}

/* --- Without the service --- */

const unsigned char data_key[32] = {1, 2, 3, 0, 255, 254, 0};

/* The public key that GET tells, as OpenSSL's. */
static EVP_PKEY *public_key(const char *path)
{
    struct reply reply ENDS(reply_done) = vault("GET", path, NULL);
    struct blob n OWNED(owned_blob) = {0}, e OWNED(owned_blob) = {0};
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    BIGNUM *modulus, *exponent;
    OSSL_PARAM *parameters;
    EVP_PKEY *key = NULL;

    assert_int_equal(reply.status, 200);
    assert_true(base64url_decode(reply_text(&reply, "key.n"), &n));
    assert_true(base64url_decode(reply_text(&reply, "key.e"), &e));
    modulus = BN_bin2bn(n.data, (int)n.size, NULL);
    exponent = BN_bin2bn(e.data, (int)e.size, NULL);
    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus);
    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent);
    parameters = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_fromdata_init(context);
    assert_int_equal(EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters), 1);
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(builder);
    EVP_PKEY_CTX_free(context);
    BN_free(modulus);
    BN_free(exponent);
    return key;
}

size_t wrap_here(const char *path, const char *hash, unsigned char out[512])
{
    EVP_PKEY *key = public_key(path);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    size_t size = 512;

    EVP_PKEY_encrypt_init(context);
    EVP_PKEY_CTX_set_rsa_padding(context, hash == NULL ? RSA_PKCS1_PADDING : RSA_PKCS1_OAEP_PADDING);
    if (hash != NULL) {
        EVP_PKEY_CTX_set_rsa_oaep_md_name(context, hash, NULL);
        EVP_PKEY_CTX_set_rsa_mgf1_md_name(context, hash, NULL);
    }
    assert_int_equal(EVP_PKEY_encrypt(context, out, &size, data_key, sizeof data_key), 1);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
    return size;
}
