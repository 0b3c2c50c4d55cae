/*
 * The stand-in vault: a key vault, a Managed HSM, their identity service and a machine's token endpoints on
 * the loopback, for tests.
 *
 *     standin --dir DIR [--vault-name NAME] [--key-cache DIR] [--arc-dir DIR] [--with-pid PID]
 *
 * Serves until SIGTERM, or until that process is gone. When it can be used, it writes DIR/standin.env with
 * lines for a shell:
 *
 *   VAULT_URL, MHSM_URL, VAULT_CA   the services, and the CA of their certificate
 *   IDENTITY_URL, CONTROL_URL       who gives tokens; where tests say what shall happen (control.h)
 *   TENANT_ID, CLIENT_ID            the usual caller, who may do everything, and how it proves itself:
 *   CLIENT_SECRET_FILE                by a secret,
 *   CLIENT_CERTIFICATE_FILE           by a certificate: PEM with certificate and RSA key,
 *   CLIENT_CERTIFICATE_P12            the same as PKCS#12 without a password,
 *   FEDERATED_TOKEN_FILE              by a federation issuer's token, which the control port writes anew
 *   IMDS_URL                        http://127.0.0.1:PORT, what else is http://169.254.169.254
 *   APP_SERVICE_ENDPOINT, APP_SERVICE_HEADER
 *                                   what App Service calls IDENTITY_ENDPOINT and IDENTITY_HEADER
 *   ARC_ENDPOINT, ARC_DIR           Azure Arc's IDENTITY_ENDPOINT, and the folder of its .key files, which
 *                                   --arc-dir names (else DIR/arc)
 *   SYSTEM_ID_CLIENT_ID             the machine's system-assigned identity, meant where none is named
 *   MANAGED_ID_CLIENT_ID, MANAGED_ID_OBJECT_ID, MANAGED_ID_RESOURCE_ID
 *                                   its user-assigned one
 */
#include "tests/standin/control.h"
#include "tests/standin/identity.h"
#include "tests/standin/machine.h"
#include "tests/standin/vault.h"
#include "tests/standin/world.h"
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

struct options {
    char *dir, *arc_dir; /* borrowed from the command line, in the end absolute and our own */
    const char *vault_name, *key_cache;
    pid_t with_pid; /* 0: none */
};

struct servers {
    struct server *of[SERVICES];
};

/* --- The servers --- */

static const struct server_kind *const kinds[SERVICES] = {&vault_service,  &mhsm_service, &identity_service,
                                                          &imds_service,   &app_service,  &arc_service,
                                                          &control_service};

static void stop_all(struct servers *servers)
{
    for (unsigned i = SERVICES; i > 0; i--) {
        server_stop(servers->of[i - 1]);
    }
}

/* The machine's endpoints and ours are plain HTTP. */
static bool start_all(struct standin *standin, const struct certificates *tls, struct servers *servers)
{
    for (unsigned i = 0; i < SERVICES; i++) {
        servers->of[i] = server_start(standin, kinds[i], i < SERVICE_IMDS ? tls : NULL);
        if (servers->of[i] == NULL) {
            return false;
        }
    }
    LOCKED(standin); /* no request comes yet, but threads that will serve them run */
    for (unsigned i = 0; i < SERVICES; i++) {
        standin->ports[i] = server_port(servers->of[i]);
    }
    standin->identity_url = text("https://localhost:%u", standin->ports[SERVICE_IDENTITY]);
    standin->vault_url = text("https://localhost:%u", standin->ports[SERVICE_VAULT]);
    standin->mhsm_url = text("https://localhost:%u", standin->ports[SERVICE_MHSM]);
    return true;
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
    struct certificates tls OWNED(certificates_done) = {0};
    sigset_t ends;
    bool good;

    block(&ends);
    world_init(&standin, options->vault_name, options->key_cache);
    good = certificates_make(options->vault_name, keypair_key(standin.issuer_key), &tls) &&
           start_all(&standin, &tls, &servers) &&
           world_publish(&standin, options->dir, options->arc_dir, tls.authority);
    if (good) {
        serve(&ends, options->with_pid);
    } else {
        fprintf(stderr, "standin: cannot start in %s: %s\n", options->dir, strerror(errno));
    }
    stop_all(&servers);
    world_done(&standin);
    return good ? 0 : 1;
}

/* --- The command line --- */

/* False: the usage is wrong. */
static bool read_options(int argc, char **argv, struct options *options)
{
    static const struct option known[] = {
        {"dir", required_argument, NULL, 'd'},       {"vault-name", required_argument, NULL, 'n'},
        {"key-cache", required_argument, NULL, 'c'}, {"arc-dir", required_argument, NULL, 'a'},
        {"with-pid", required_argument, NULL, 'p'},  {NULL, 0, NULL, 0}};
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
        case 'a':
            options->arc_dir = optarg;
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

/* Absolute names of folders that are there, from malloc. */
static bool make_dirs(struct options *options)
{
    char *inside OWNED(owned_free) = text("%s/arc", options->dir);
    const char *arc_dir = options->arc_dir == NULL ? inside : options->arc_dir;

    if (!make_dir(options->dir) || !make_dir(options->key_cache) || !make_dir(arc_dir)) {
        return false;
    }
    options->dir = need(realpath(options->dir, NULL));
    options->arc_dir = need(realpath(arc_dir, NULL));
    return true;
}

int main(int argc, char **argv)
{
    struct options options = {.vault_name = "standin"};
    int status;

    if (!read_options(argc, argv, &options)) {
        fputs(
            "usage: standin --dir DIR [--vault-name NAME] [--key-cache DIR] [--arc-dir DIR] [--with-pid PID]\n",
            stderr);
        return 2;
    }
    if (!make_dirs(&options)) {
        perror("standin");
        return 1;
    }
    status = run(&options);
    free(options.dir);
    free(options.arc_dir);
    return status;
}
