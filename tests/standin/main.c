/*
 * The stand-in vault: a key vault, a Managed HSM and their identity service on the loopback, for tests.
 *
 *     standin --dir DIR [--vault-name NAME] [--key-cache DIR] [--with-pid PID]
 *
 * Writes DIR/standin.env when it can be used, with lines for a shell: VAULT_URL, MHSM_URL, VAULT_CA,
 * IDENTITY_URL, CONTROL_URL, TENANT_ID, CLIENT_ID, CLIENT_SECRET_FILE. Serves until SIGTERM, or until that
 * process is gone.
 */
#include "tests/standin/control.h"
#include "tests/standin/identity.h"
#include "tests/standin/vault.h"
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <openssl/rand.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

struct options {
    char *dir; /* borrowed from the command line, in the end absolute and our own */
    const char *vault_name, *key_cache;
    pid_t with_pid; /* 0: none */
};

struct servers {
    struct server *vault, *mhsm, *identity, *control;
};

/* --- Files --- */

/* Whole or not at all. */
static bool write_file(const char *path, mode_t mode, const char *content)
{
    char *partial OWNED(owned_free) = text("%s.new", path);
    int fd = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    ssize_t size = (ssize_t)strlen(content);
    bool good = fd >= 0 && write(fd, content, (size_t)size) == size;

    if (fd >= 0) {
        good = close(fd) == 0 && good;
    }
    return good && rename(partial, path) == 0;
}

/* A secret with characters that a form must escape, as real ones have. */
static char *make_secret(void)
{
    char hex[33];

    random_hex(hex, 32);
    return text("%.8s~%.8s+&=%%_.%.8s/%.8s", hex, hex + 8, hex + 16, hex + 24);
}

static char *env_of(struct standin *standin, const struct servers *servers, const char *dir)
{
    LOCKED(standin);
    return text(
        "VAULT_URL=\"%s\"\nMHSM_URL=\"%s\"\nVAULT_CA=\"%s/ca.pem\"\nIDENTITY_URL=\"%s\"\nCONTROL_URL=\"http://127.0.0.1:%u\"\n"
        "TENANT_ID=\"%s\"\nCLIENT_ID=\"%s\"\nCLIENT_SECRET_FILE=\"%s/client-secret\"\n",
        standin->vault_url, standin->mhsm_url, dir, standin->identity_url, server_port(servers->control),
        standin->tenant, standin->callers->id, dir);
}

/* --- The world --- */

static void add_key(struct key_store *store, const char *name, const char *kty, unsigned bits)
{
    struct key_kind kind;

    if (key_kind_set(kty, bits, NULL, &kind)) {
        key_add_version(store, name, &kind);
    }
}

static void standin_init(struct standin *standin, const struct options *options, const char *secret)
{
    char *client OWNED(owned_free) = random_uuid();
    struct caller *caller;

    pthread_mutex_init(&standin->lock, NULL);
    settings_init(&standin->settings);
    RAND_bytes(standin->token_key, TOKEN_KEY_SIZE);
    standin->vault_name = text("%s", options->vault_name);
    standin->tenant = random_uuid();
    if (options->key_cache != NULL) {
        standin->keys.cache = text("%s/", options->key_cache);
        standin->mhsm_keys.cache = text("%s/mhsm-", options->key_cache);
    }
    caller = caller_add(&standin->callers, client);
    caller_set_secret(caller, secret);
    caller->permissions = ALL_PERMISSIONS;
    add_key(&standin->keys, "kek", "RSA", 2048);
    add_key(&standin->keys, "kek-3072", "RSA", 3072);
    add_key(&standin->keys, "kek-4096", "RSA", 4096);
    add_key(&standin->keys, "signer", "EC", 0);
    add_key(&standin->mhsm_keys, "kek", "RSA-HSM", 2048);
    add_key(&standin->mhsm_keys, "signer", "EC-HSM", 0);
}

static void *prepare(void *pair)
{
    keypair_prepare(pair);
    return NULL;
}

/* All at once: the largest one takes as long as all others. */
static void prepare_keys(const struct standin *standin)
{
    pthread_t threads[8];
    unsigned count = 0;

    for (struct key *key = standin->keys.keys; key != NULL && count < 8; key = key->next) {
        count += pthread_create(&threads[count], NULL, prepare, key->newest->pair) == 0;
    }
    while (count > 0) {
        pthread_join(threads[--count], NULL);
    }
}

static void standin_done(struct standin *standin)
{
    key_store_done(&standin->keys);
    key_store_done(&standin->mhsm_keys);
    callers_free(standin->callers);
    faults_free(standin->faults);
    cJSON_Delete(standin->counts.log);
    free(standin->vault_name);
    free(standin->vault_url);
    free(standin->mhsm_url);
    free(standin->identity_url);
    free(standin->tenant);
    pthread_mutex_destroy(&standin->lock);
}

static void stop_all(struct servers *servers)
{
    server_stop(servers->control);
    server_stop(servers->vault);
    server_stop(servers->mhsm);
    server_stop(servers->identity);
}

static bool start_all(struct standin *standin, const struct certificate *tls, struct servers *servers)
{
    servers->identity = server_start(standin, &identity_service, tls);
    servers->vault = server_start(standin, &vault_service, tls);
    servers->mhsm = server_start(standin, &mhsm_service, tls);
    servers->control = server_start(standin, &control_service, NULL);
    if (servers->identity == NULL || servers->vault == NULL || servers->mhsm == NULL ||
        servers->control == NULL) {
        return false;
    }
    LOCKED(standin); /* no request comes yet, but threads that will serve them run */
    standin->identity_url = text("https://localhost:%u", server_port(servers->identity));
    standin->vault_url = text("https://localhost:%u", server_port(servers->vault));
    standin->mhsm_url = text("https://localhost:%u", server_port(servers->mhsm));
    return true;
}

/* The environment file comes last: who sees it may begin. */
static bool publish(struct standin *standin, const struct servers *servers, const struct certificate *tls,
                    const char *dir, const char *secret)
{
    char *ca OWNED(owned_free) = text("%s/ca.pem", dir),
             *secret_file OWNED(owned_free) = text("%s/client-secret", dir);
    char *env_file OWNED(owned_free) = text("%s/standin.env", dir);
    char *env OWNED(owned_free) = env_of(standin, servers, dir);

    return write_file(ca, 0644, tls->authority) && write_file(secret_file, 0600, secret) &&
           write_file(env_file, 0644, env);
}

/* --- Until the end --- */

static bool is_gone(int pidfd)
{
    struct pollfd watched = {.fd = pidfd, .events = POLLIN};

    return pidfd >= 0 && poll(&watched, 1, 0) > 0;
}

static void serve(const sigset_t *ends, pid_t with_pid)
{
    const struct timespec second = {.tv_sec = 1};
    int pidfd = with_pid > 0 ? pidfd_open(with_pid, 0) : -1;

    if (with_pid > 0 && pidfd < 0 && errno == ESRCH) {
        return;
    }
    while (!is_gone(pidfd) && sigtimedwait(ends, NULL, &second) < 0) {
    }
    if (pidfd >= 0) {
        close(pidfd);
    }
}

/* All threads shall leave the signals to serve. */
static void block(sigset_t *ret_ends)
{
    sigemptyset(ret_ends);
    sigaddset(ret_ends, SIGTERM);
    sigaddset(ret_ends, SIGINT);
    sigaddset(ret_ends, SIGHUP);
    pthread_sigmask(SIG_BLOCK, ret_ends, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static int run(const struct options *options)
{
    struct standin standin = {0};
    struct servers servers = {0};
    struct certificate tls OWNED(certificate_done) = {0};
    char *secret OWNED(owned_free) = make_secret();
    sigset_t ends;
    bool good;

    block(&ends);
    standin_init(&standin, options, secret);
    prepare_keys(&standin);
    good = certificate_make(options->vault_name, &tls) && start_all(&standin, &tls, &servers) &&
           publish(&standin, &servers, &tls, options->dir, secret);
    if (good) {
        serve(&ends, options->with_pid);
    } else {
        fprintf(stderr, "standin: cannot start in %s: %s\n", options->dir, strerror(errno));
    }
    stop_all(&servers);
    standin_done(&standin);
    return good ? 0 : 1;
}

/* --- The command line --- */

/* False: the usage is wrong. */
static bool read_options(int argc, char **argv, struct options *options)
{
    static const struct option known[] = {{"dir", required_argument, NULL, 'd'},
                                          {"vault-name", required_argument, NULL, 'n'},
                                          {"key-cache", required_argument, NULL, 'c'},
                                          {"with-pid", required_argument, NULL, 'p'},
                                          {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (option) {
        case 'd':
            options->dir = optarg;
            break;
        case 'n':
            options->vault_name = optarg;
            break;
        case 'c':
            options->key_cache = optarg;
            break;
        case 'p':
            options->with_pid = (pid_t)strtol(optarg, NULL, 10);
            break;
        default:
            return false;
        }
    }
    return options->dir != NULL && optind == argc && key_name_good(options->vault_name);
}

static bool make_dir(const char *path)
{
    return path == NULL || mkdir(path, 0700) == 0 || errno == EEXIST;
}

int main(int argc, char **argv)
{
    struct options options = {.vault_name = "standin"};
    int status;

    if (!read_options(argc, argv, &options)) {
        fputs("usage: standin --dir DIR [--vault-name NAME] [--key-cache DIR] [--with-pid PID]\n", stderr);
        return 2;
    }
    if (!make_dir(options.dir) || !make_dir(options.key_cache)) {
        perror("standin");
        return 1;
    }
    options.dir = need(realpath(options.dir, NULL));
    status = run(&options);
    free(options.dir);
    return status;
}
