/* Requests that make keys like recorded ones. */
#include "tests/truth/creation.h"
#include "tests/truth/recorded.h"
#include <string.h>

void copy_item(const cJSON *from, const char *path, cJSON *to)
{
    const cJSON *item = item_at(from, path);

    if (item != NULL) {
        cJSON_AddItemToObject(to, item->string, cJSON_Duplicate(item, true));
    }
}

void copy_attributes(cJSON *body, const cJSON *answer, const cJSON *change)
{
    static const char *const names[] = {"enabled", "nbf", "exp", "exportable"};
    cJSON *attributes = cJSON_AddObjectToObject(body, "attributes");

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const cJSON *attribute = cJSON_GetObjectItemCaseSensitive(item_at(answer, "attributes"), names[i]);

        if (attribute != NULL && cJSON_GetObjectItemCaseSensitive(change, names[i]) == NULL) {
            cJSON_AddItemToObject(attributes, names[i], cJSON_Duplicate(attribute, true));
        }
    }
}

/* The type of key for an algorithm: RSA of 2048, the curve of its name, AES of 256. */
static void add_kind_for(cJSON *body, const char *alg)
{
    if (strncmp(alg, "ES", 2) == 0) {
        cJSON_AddStringToObject(body, "kty", "EC");
        cJSON_AddStringToObject(body, "crv", strcmp(alg, "ES256K") == 0 ? "P-256K" : "P-256");
    } else if (alg[0] == 'A') {
        cJSON_AddStringToObject(body, "kty", "oct");
        cJSON_AddNumberToObject(body, "key_size", 256);
    } else {
        cJSON_AddStringToObject(body, "kty", "RSA");
    }
}

/* An exportable key is of the HSM and has a policy, whether the answer tells it or not. */
static void make_exportable(cJSON *body)
{
    static const char policy[] =
        "eyJ2ZXJzaW9uIjoiMS4wLjAiLCJhbnlPZiI6W3siYXV0aG9yaXR5IjoiaHR0cHM6Ly9hLndlc3RldXJv"
        "cGUuYXR0ZXN0LmF6dXJlLm5ldCIsImFueU9mIjpbeyJjbGFpbSI6ImEiLCJlcXVhbHMiOiJiIn1dfV19";
    const char *kty = text_at(body, "kty");

    if (strstr(kty, "-HSM") == NULL) {
        char *hard ENDED_BY(free_text) = format("%s-HSM", kty);

        cJSON_ReplaceItemInObject(body, "kty", cJSON_CreateString(hard));
    }
    if (!cJSON_HasObjectItem(body, "release_policy")) {
        cJSON_AddStringToObject(cJSON_AddObjectToObject(body, "release_policy"), "data", policy);
    }
}

static bool has_word(const cJSON *words, const char *word)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, words)
    {
        if (strcmp(item->valuestring, word) == 0) {
            return true;
        }
    }
    return false;
}

cJSON *creation_of(const cJSON *answer, const cJSON *change, const char *alg)
{
    const cJSON *key = item_at(answer, "key");
    cJSON *body = cJSON_CreateObject();

    if (key == NULL) {
        add_kind_for(body, alg);
    } else {
        copy_item(key, "kty", body);
        if (!has_word(item_at(key, "key_ops"), "deriveKey")) { /* told of a key that was made without any */
            copy_item(key, "key_ops", body);
        }
        if (item_at(key, "n") == NULL) {
            copy_item(key, "crv", body);
        }
    }
    copy_attributes(body, answer, change);
    copy_item(answer, "tags", body);
    copy_item(answer, "release_policy", body);
    if (cJSON_IsTrue(item_at(body, "attributes.exportable"))) {
        make_exportable(body);
    }
    return body;
}
