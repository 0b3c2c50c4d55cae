/* THE table of the identity service's codes. */
#include "backends/keyvault/identity/aadsts.h"
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* What the codes behind AADSTS mean for the operator. */
static const struct {
    int64_t code;
    const char *advice;
    bool no_caller;
} codes[] = {
    /* the secret */
    {7000215, "the client secret is wrong: it is its value that is needed, not its ID", false},
    {7000222, "the client secret has expired: make a new one", false},
    {7000218, "the credential is empty or not sent", false},
    {50012, "the credential is wrong or not the application's", false},
    /* the certificate, or the other provider's token */
    {700027,
     "the certificate is not the application's, or has expired: upload it to the application, or use the "
     "one that is there",
     false},
    {700024, "the assertion is outside its time: set this machine's clock; a federated token must be renewed",
     false},
    {700023,
     "the assertion is for another audience: check authority and tenant; a federated token needs the "
     "audience api://AzureADTokenExchange",
     false},
    {700021, "the assertion does not name client-id as its issuer", false},
    {50013,
     "the assertion cannot be verified: check that its issuer and its key are those that the application "
     "trusts",
     false},
    {50027, "the assertion is malformed: check what the file holds", false},
    {70021, "no federated credential of the application fits the token: compare issuer, subject and audience",
     false},
    {700211, "no federated credential of the application has the token's issuer", false},
    {700212,
     "no federated credential of the application has the token's audience; usual is "
     "api://AzureADTokenExchange",
     false},
    {700213,
     "no federated credential of the application has the token's subject (of Kubernetes: "
     "system:serviceaccount:NAMESPACE:NAME)",
     false},
    /* the application */
    {7000112, "the application is disabled", true},
    {700016, "there is no application client-id in this tenant", true},
    {7000229, "the application has no service principal in this tenant", true},
    {7000216, "no credential was sent", false},
    {50034, "there is no such account in this tenant", false},
    {53003, "a conditional access policy blocks the application", false},
    /* the tenant and the vault */
    {90002, "there is no such tenant", false},
    {90023, "tenant or authority cannot be used here: check both", false},
    {900023, "tenant is neither an ID nor a domain name", false},
    {900382, "confidential clients cannot sign in there: check authority", false},
    {90038, "the tenant is in another cloud: check authority", false},
    {500011, "the tenant does not know this audience", false},
    {500014, "the vault's service is disabled in this tenant", false},
    {1002012, "audience is not accepted", false},
    {70011, "audience is not accepted", false},
    {65001, "nobody has consented to the application in this tenant", false},
};

static size_t find(int64_t code)
{
    size_t i = 0;

    while (i < sizeof codes / sizeof codes[0] && codes[i].code != code) {
        i++;
    }
    return i;
}

const char *aadsts_advice(int64_t code)
{
    size_t i = find(code);

    return i < sizeof codes / sizeof codes[0] ? codes[i].advice : NULL;
}

bool aadsts_is_no_caller(int64_t code)
{
    size_t i = find(code);

    return i < sizeof codes / sizeof codes[0] && codes[i].no_caller;
}

int64_t aadsts_in(const char *text)
{
    static const char before[] = "AADSTS";
    const char *at = strstr(text, before);
    long long code = at == NULL ? 0 : strtoll(at + sizeof before - 1, NULL, 10);

    return code > 0 && code < 1000000000000 ? code : 0;
}
