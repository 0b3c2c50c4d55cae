/*
 * A look at the whole file before libconfuse reads it. libconfuse takes the end of the file for the end of a
 * section, and a comment that is never closed for a long one; both would lose tokens without a word. It
 * counts a line too many for each comment and takes none inside a list, so comments become blanks here.
 */
#include "backends/base/settings_private.h"
#include <string.h>

struct scan {
    const char *path;
    char *at, *end;
    struct buffer *lines; /* on which sections begin */
    unsigned line;
    unsigned open_line; /* of the outermost open brace */
    unsigned depth;
    char before; /* the last character that is neither space nor comment */
};

static bool looks_at(const struct scan *scan, const char *text)
{
    size_t size = strlen(text);

    return (size_t)(scan->end - scan->at) >= size && memcmp(scan->at, text, size) == 0;
}

static void step(struct scan *scan)
{
    if (*scan->at++ == '\n') {
        scan->line++;
    }
}

static void blank(struct scan *scan)
{
    if (*scan->at != '\n') {
        *scan->at = ' ';
    }
    step(scan);
}

static void blank_line(struct scan *scan)
{
    while (scan->at < scan->end && *scan->at != '\n') {
        blank(scan);
    }
}

static CK_RV blank_comment(struct scan *scan)
{
    unsigned line = scan->line;

    blank(scan);
    blank(scan);
    while (scan->at < scan->end && !looks_at(scan, "*/")) {
        blank(scan);
    }
    if (scan->at == scan->end) {
        return settings_complain(scan->path, line, "this comment is never closed");
    }
    blank(scan);
    blank(scan);
    return CKR_OK;
}

/* "${NAME}" may hold quotes of its own. */
static void skip_variable(struct scan *scan)
{
    if (memchr(scan->at, '}', (size_t)(scan->end - scan->at)) != NULL) {
        while (*scan->at != '}') {
            step(scan);
        }
    }
}

static CK_RV skip_string(struct scan *scan)
{
    unsigned line = scan->line;
    char quote = *scan->at++;

    while (scan->at < scan->end && *scan->at != quote) {
        if (*scan->at == '\\' && scan->at + 1 < scan->end) {
            step(scan);
        } else if (quote == '"' && looks_at(scan, "${")) {
            skip_variable(scan);
        }
        step(scan);
    }
    if (scan->at == scan->end) {
        return settings_complain(scan->path, line, "this string is never closed");
    }
    scan->at++;
    scan->before = quote;
    return CKR_OK;
}

static CK_RV brace(struct scan *scan)
{
    CK_RV rv = CKR_OK;

    if (*scan->at == '{' && scan->depth++ == 0) {
        scan->open_line = scan->line;
        /* A list follows '=', and ${NAME} the dollar. */
        if (scan->before != '=' && scan->before != '$') {
            rv = buffer_append(scan->lines, &scan->line, sizeof scan->line);
        }
    } else if (*scan->at == '}' && scan->depth-- == 0) {
        rv = settings_complain(scan->path, scan->line, "this '}' closes nothing");
    }
    scan->before = *scan->at;
    step(scan);
    return rv;
}

static CK_RV next(struct scan *scan)
{
    if (*scan->at == '#' || looks_at(scan, "//")) {
        blank_line(scan);
        return CKR_OK;
    }
    if (looks_at(scan, "/*")) {
        return blank_comment(scan);
    }
    if (*scan->at == '"' || *scan->at == '\'') {
        return skip_string(scan);
    }
    if (*scan->at == '{' || *scan->at == '}') {
        return brace(scan);
    }
    if (strchr(" \t\r\n", *scan->at) == NULL) {
        scan->before = *scan->at;
    }
    step(scan);
    return CKR_OK;
}

static unsigned line_of(const struct buffer *content, size_t at)
{
    unsigned line = 1;

    while (at != 0) {
        line += content->data[--at] == '\n';
    }
    return line;
}

/* Text only: also in comments and strings. */
static CK_RV check_bytes(const char *path, bool secure, const struct buffer *content)
{
    size_t at;

    for (at = 0; at < content->size; at++) {
        unsigned char byte = content->data[at];

        if ((byte < ' ' && strchr("\t\r\n", byte) == NULL) || byte == 0 || byte == 0x7f) {
            return settings_complain(path, line_of(content, at), "byte 0x%02x is no text", byte);
        }
        if (secure && byte == '$' && content->data[at + 1] == '{') {
            return settings_complain(
                path, line_of(content, at),
                "${ is not allowed: this program is set-id, whose environment is not used");
        }
    }
    return CKR_OK;
}

CK_RV settings_scan(const char *path, bool secure, struct buffer *content, struct buffer *lines)
{
    struct scan scan = {.path = path, .at = (char *)content->data, .lines = lines, .line = 1};
    CK_RV rv = check_bytes(path, secure, content);

    scan.end = scan.at == NULL ? NULL : scan.at + content->size;
    while (rv == CKR_OK && scan.at < scan.end) {
        rv = next(&scan);
    }
    if (rv == CKR_OK && scan.depth != 0) {
        rv = settings_complain(path, scan.open_line, "this '{' is never closed");
    }
    return rv;
}
