# What the programs of this folder share; each of them reads it first:
#
#   . "$(dirname "$0")/clients.sh"
#
# It starts the program again under with-tokens where that has not been done, goes to $TOKENS_DIR, gives every
# client a home and a configuration of its own, and has these functions, which speak TAP. A line's description is
# "client | operation | token | result"; tests/consumers/run makes a table of them.
#
#   client NAME [COMMAND...]      who is meant from here on; fails, with a skipped line, where a command is missing
#   for_tokens FUNCTION           calls it for both tokens, with $token, $rsa, $rsa_id, $ec and $ec_id set: the labels
#                                 and the CKA_IDs (in hex) of an RSA and of an EC key pair
#   works OPERATION COMMAND...    it has to succeed; its words are shown where it does not
#   limited OPERATION WORDS WHY COMMAND...
#                                 it has to fail with these words (a regular expression), and that is the client's or
#                                 the service's limit
#   finish                        the last line
#   server COMMAND...             runs in the background until the operation that starts it ends, or the program
#   as_user COMMAND...            not as root, whose p11-kit reads the machine's configuration and not ours
#   serve_strictly                a TLS server at $port, for clients with a certificate of our authority
#   until_listens PORT            waits for that server, for a minute; shows its words where it does not come

case $0 in
/*) self=$0 ;;
*) self=$PWD/$0 ;;
esac
here=$(cd "$(dirname "$self")" && pwd)
if [ -z "${TOKENS_DIR:-}" ]; then
    exec "$here/../with-tokens" "$self"
fi
cd "$TOKENS_DIR" || exit 99

# --- TAP ---

lines=0
line() {
    lines=$((lines + 1))
    echo "$1 $lines - $client | $2 | ${3:-$token} | $4"
}

shown() {
    tail -n 25 "$1" | cut -c 1-300 | sed 's/^/#     /'
}

client() {
    client=$1
    shift
    for command in "$@"; do
        if ! command -v "$command" >/dev/null 2>&1; then
            line ok all both "not installed # SKIP client $client is not installed: tests/setup --all"
            return 1
        fi
    done
}

# In a shell of its own, with its servers.
attempt() {
    (
        servers=
        trap stop_servers EXIT
        trap 'exit 143' TERM INT HUP
        "$@"
    ) </dev/null >words 2>&1
}

works() {
    operation=$1
    shift
    if attempt "$@"; then
        line ok "$operation" "" works
    else
        line 'not ok' "$operation" "" fails
        shown words
    fi
}

limited() {
    operation=$1 expected=$2 why=$3
    shift 3
    if attempt "$@"; then
        line 'not ok' "$operation" "" "works, and was said to be impossible"
    elif grep -q -E -e "$expected" words; then
        line ok "$operation" "" "refused: $why"
    else
        line 'not ok' "$operation" "" "fails, without $expected"
        shown words
    fi
}

finish() {
    echo "1..$lines"
    exit 0
}

# --- p11-kit ---

# The command finds our module where it may read it.
as_user() {
    if [ "$(id -u)" -ne 0 ]; then
        "$@"
    else
        chown -R 65534:65534 "$TOKENS_DIR"
        $run setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
    fi
}

# --- Servers ---

# A function that ends in "$run COMMAND" becomes that command, so that there is one process to end.
servers= run=
server() {
    case $(command -v "$1") in
    */*) set -- exec "$@" ;;
    esac
    (run=exec && "$@") </dev/null >server.log 2>&1 &
    servers="$servers $!"
}

stop_servers() {
    for pid in $servers; do
        kill "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
}
trap stop_servers EXIT
trap 'exit 143' TERM INT HUP

# A TCP port that nobody listens at, below those that the system gives away by itself.
free_port() {
    while :; do
        port=$((10000 + $(od -An -N2 -tu2 /dev/urandom) % 20000))
        listens "$port" || break
    done
    echo "$port"
}

listens() {
    grep -q -i "$(printf ':%04X 0*:0000 0A' "$1")" /proc/net/tcp /proc/net/tcp6
}

until_listens() {
    tries=600
    until listens "$1"; do
        tries=$((tries - 1))
        if [ "$tries" -eq 0 ] || ! kill -0 "${servers##* }" 2>/dev/null; then
            cat server.log
            return 1
        fi
        sleep 0.1
    done
}

# A TLS server of OpenSSL at $port that lets in who shows a certificate of our authority, and tells whom it saw.
serve_strictly() {
    port=$(free_port)
    server openssl s_server -accept "127.0.0.1:$port" -key server.key -cert server.pem -CAfile ca.pem \
        -Verify 1 -verify_return_error -www
    until_listens "$port"
}

# --- The tokens ---

for_tokens() {
    token=hsm rsa=kek rsa_id=01 ec=signer ec_id=02
    "$1"
    token=vault rsa=kek rsa_id=6b656b ec=signer ec_id=7369676e6572
    "$1"
    token=both
}

token=both
. "$here/surroundings.sh"
