/* What the owner of a token asks of every use of it. */
#include "backends/token_policy.h"
#include "backends/base/mechanism_name.h"
#include "backends/base/scope.h"
#include <stdlib.h>

enum { LEAST_BITS = 1024, MOST_BITS = 16384 };

static const char mechanisms[] = "mechanisms", min_rsa_bits[] = "min-rsa-bits";

const struct setting_option token_policy_options[] = {
    {.name = mechanisms, .type = SETTING_LIST},
    {.name = min_rsa_bits, .type = SETTING_NUMBER_OR_OFF, .least = LEAST_BITS, .most = MOST_BITS},
};
const size_t token_policy_option_count = sizeof token_policy_options / sizeof token_policy_options[0];

static int compare(const void *a, const void *b)
{
    CK_MECHANISM_TYPE left = *(const CK_MECHANISM_TYPE *)a, right = *(const CK_MECHANISM_TYPE *)b;

    return left < right ? -1 : left > right;
}

static CK_RV refuse_word(const struct settings *section, const char *word)
{
    const char *nearest = mechanism_nearest_name(word);

    if (nearest != NULL) {
        return settings_refuse(section, mechanisms,
                               "\"%s\" has the unknown mechanism \"%s\"; did you mean \"%s\"?", mechanisms,
                               word, nearest);
    }
    return settings_refuse(
        section, mechanisms,
        "\"%s\" has the unknown mechanism \"%s\"; a vendor's own is written as a number, 0x...", mechanisms,
        word);
}

/* Without what stands there twice. */
static size_t sort(CK_MECHANISM_TYPE *list, size_t count)
{
    size_t kept = 0;

    qsort(list, count, sizeof *list, compare);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || list[kept - 1] != list[i]) {
            list[kept++] = list[i];
        }
    }
    return kept;
}

static CK_RV read_mechanisms(const struct settings *section, struct token_policy *policy)
{
    size_t count = settings_list_count(section, mechanisms);
    CK_MECHANISM_TYPE *list SCOPED(scope_free) = NULL;

    if (count == 0) {
        return CKR_OK;
    }
    list = calloc(count, sizeof *list);
    if (list == NULL) {
        return CKR_HOST_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        const char *word = settings_list_item(section, mechanisms, i);

        if (!mechanism_of_name(word, &list[i])) {
            return refuse_word(section, word);
        }
    }
    policy->mechanism_count = sort(list, count);
    policy->mechanisms = take(list);
    return CKR_OK;
}

CK_RV token_policy_read(const struct settings *section, struct token_policy *ret_policy)
{
    int64_t bits = settings_number(section, min_rsa_bits);
    struct token_policy policy = {.min_rsa_bits = bits > 0 ? (unsigned)bits : 0};
    CK_RV rv = read_mechanisms(section, &policy);

    if (rv == CKR_OK) {
        *ret_policy = policy;
    }
    return rv;
}

void token_policy_done(struct token_policy *policy)
{
    free(policy->mechanisms);
    *policy = (struct token_policy){.mechanisms = NULL};
}

bool token_policy_asks(const struct token_policy *policy)
{
    return policy->mechanisms != NULL || policy->min_rsa_bits != 0;
}

bool token_policy_has(const struct token_policy *policy, CK_MECHANISM_TYPE type)
{
    return policy->mechanisms == NULL ||
           bsearch(&type, policy->mechanisms, policy->mechanism_count, sizeof type, compare) != NULL;
}

CK_RV token_policy_list(const struct token_policy *policy, const CK_MECHANISM_TYPE *all, CK_ULONG count,
                        CK_MECHANISM_TYPE *ret_list, CK_ULONG *ret_count)
{
    CK_ULONG room = *ret_count, found = 0;

    for (CK_ULONG i = 0; i < count; i++) {
        found += token_policy_has(policy, all[i]) ? 1 : 0;
    }
    *ret_count = found;
    if (ret_list == NULL || room < found) {
        return ret_list == NULL ? CKR_OK : CKR_BUFFER_TOO_SMALL;
    }
    for (CK_ULONG i = 0; i < count; i++) {
        if (token_policy_has(policy, all[i])) {
            *ret_list++ = all[i];
        }
    }
    return CKR_OK;
}
