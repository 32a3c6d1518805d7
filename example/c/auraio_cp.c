/*
 * auraio-cp: copies files and directory trees, many files in flight: auraio-cp [--verify] FROM TO
 *
 * As `cp -R -p`: modes, times and, for who may, owners are kept; symbolic links, FIFOs and devices are made
 * anew, holes stay holes; an existing directory TO gets FROM's copy inside. What would harm the source is
 * refused as cp refuses it. Hard links become files of their own, extended attributes are not copied.
 * --verify reads everything once more and compares. Errors are told one by one; the exit status is then 1.
 */
#include "auraio_cp.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Directories get their modes and times when everything in them is there. */
struct directory {
    char* path;
    struct stat status;
    struct directory* next;
};

aura_engine_t* engine;
bool verify, any_failed, show_progress;
unsigned long long bytes_done, bytes_total, files_done, files_total;
static struct directory* directories;

/* ---- what is told ----------------------------------------------------------------------------------------
 */

static void begin_message(void) {
    any_failed = true;
    fputs(show_progress ? "\r\033[Kauraio-cp: " : "auraio-cp: ", stderr);
}

void complain(const char* path, int error) {
    begin_message();
    fprintf(stderr, "%s: %s\n", path, strerror(error));
}

void complain_of_two(const char* one, const char* what, const char* two) {
    begin_message();
    fprintf(stderr, "%s %s %s\n", one, what, two);
}

void* must(void* memory) {
    if (!memory) {
        fprintf(stderr, "auraio-cp: out of memory\n");
        exit(1);
    }
    return memory;
}

void draw_progress(bool last) {
    static struct timespec shown;
    struct timespec now;
    if (!show_progress)
        return;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (!last && (now.tv_sec - shown.tv_sec) * 1000 + (now.tv_nsec - shown.tv_nsec) / 1000000 < 100)
        return;
    shown = now;
    const unsigned long long all = bytes_total * (verify ? 2 : 1);
    const unsigned long long part = all > bytes_done ? bytes_done : all; /* files grow */
    const int width = 30, filled = all ? (int)(part * (unsigned)width / all) : width;
    fprintf(stderr, "\r[%.*s%*s] %llu of %llu files, %llu of %llu MB", filled,
            "##############################", width - filled, "", files_done, files_total, part >> 20,
            all >> 20);
    if (last)
        fputc('\n', stderr);
}

/* ---- attributes ------------------------------------------------------------------------------------------
 */

bool same_file(const struct stat* a, const struct stat* b) {
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

bool keep_attributes(int fd, const char* path, const struct stat* source) {
    const struct timespec times[2] = {source->st_atim, source->st_mtim};
    const uid_t user = source->st_uid;
    const gid_t group = source->st_gid;
    mode_t mode = source->st_mode & 07777;
    if ((fd >= 0 ? fchown(fd, user, group) : lchown(path, user, group)) != 0) {
        if (geteuid() == 0 || (errno != EPERM && errno != EINVAL))
            return false;
        mode &= 0777;
        if ((fd >= 0 ? fchown(fd, (uid_t)-1, group) : lchown(path, (uid_t)-1, group)) != 0)
            errno = 0; /* the group alone, if that may be */
    }
    if (!S_ISLNK(source->st_mode) && (fd >= 0 ? fchmod(fd, mode) : chmod(path, mode)) != 0)
        return false;
    return (fd >= 0 ? futimens(fd, times) : utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW)) == 0;
}

/* ---- what is no regular file -----------------------------------------------------------------------------
 */

/* False: what is in it has nowhere to go. */
static bool make_directory(const char* from, const char* to, const struct stat* status) {
    struct stat there;
    if (mkdir(to, 0700) != 0) {
        if (errno != EEXIST || lstat(to, &there) != 0) {
            complain(to, errno);
            return false;
        }
        if (same_file(&there, status) || !S_ISDIR(there.st_mode)) {
            const bool same = same_file(&there, status);
            complain_of_two(from,
                            same ? "is the same file as" : "does not replace what is no directory:", to);
            return false;
        }
    }
    struct directory* d = must(malloc(sizeof *d));
    d->path = must(strdup(to));
    d->status = *status;
    d->next = directories; /* those further down come first */
    directories = d;
    return true;
}

static void finish_directories(void) {
    while (directories) {
        struct directory* d = directories;
        if (!keep_attributes(-1, d->path, &d->status))
            complain(d->path, errno);
        directories = d->next;
        free(d->path);
        free(d);
    }
}

static const char* last_part(const char* path) {
    const char* slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The directory that `path` is in. */
static void parent_of(const char* path, char parent[PATH_MAX]) {
    const int length = (int)(last_part(path) - path);
    snprintf(parent, PATH_MAX, "%.*s.", length, path);
}

/* Whether two paths are one name, and not only names of one file. */
static bool same_name(const char* a, const char* b) {
    char parent[PATH_MAX];
    struct stat of_a, of_b;
    parent_of(a, parent);
    if (strcmp(last_part(a), last_part(b)) != 0 || stat(parent, &of_a) != 0)
        return false;
    parent_of(b, parent);
    return stat(parent, &of_b) == 0 && same_file(&of_a, &of_b);
}

/* Whether there is a place for what is made anew: what is there is removed. */
static bool make_room(const char* from, const char* to, const struct stat* status) {
    struct stat there, behind;
    if (lstat(to, &there) != 0) {
        if (errno == ENOENT)
            return true;
        complain(to, errno);
    } else if (same_file(&there, status)) {
        if (!S_ISLNK(status->st_mode) || same_name(from, to))
            complain_of_two(from, "is the same file as", to);
    } else if (S_ISLNK(status->st_mode) && stat(from, &behind) == 0 && same_file(&there, &behind)) {
        complain_of_two(from, "leads to", to); /* what it leads to would be gone */
    } else if (S_ISDIR(there.st_mode)) {
        complain_of_two(from, "does not replace the directory", to);
    } else if (unlink(to) == 0) {
        return true;
    } else {
        complain(to, errno);
    }
    return false;
}

static void make_special(const char* from, const char* to, const struct stat* status) {
    char target[PATH_MAX];
    ssize_t length = 0;
    if (S_ISLNK(status->st_mode) && (length = readlink(from, target, sizeof target - 1)) < 0) {
        complain(from, errno);
        return;
    }
    target[length] = '\0';
    if (!make_room(from, to, status))
        return;
    const int result = S_ISLNK(status->st_mode)
                           ? symlink(target, to)
                           : mknod(to, (status->st_mode & S_IFMT) | 0600, status->st_rdev);
    if (result != 0 || !keep_attributes(-1, to, status))
        complain(to, errno);
}

/* ---- the tree --------------------------------------------------------------------------------------------
 */

static void copy_entry(FTS* tree, FTSENT* entry, const char* to) {
    struct stat there;
    switch (entry->fts_info) {
    case FTS_D:
        if (!make_directory(entry->fts_path, to, entry->fts_statp))
            fts_set(tree, entry, FTS_SKIP);
        break;
    case FTS_F:
        if (lstat(to, &there) == 0 && S_ISDIR(there.st_mode))
            complain_of_two(entry->fts_path, "does not replace the directory", to);
        else
            copy_file(entry->fts_accpath, to, entry->fts_statp);
        break;
    case FTS_SL:
    case FTS_SLNONE:
    case FTS_DEFAULT:
        make_special(entry->fts_accpath, to, entry->fts_statp);
        break;
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        complain(entry->fts_path, entry->fts_errno);
        break;
    default:
        break;
    }
}

/* Everything below `from`; without `to` it is only counted. */
static void walk(char* from, const char* to) {
    char* const roots[] = {from, NULL};
    FTS* tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (!tree) {
        complain(from, errno);
        return;
    }
    const size_t root_length = strlen(from);
    for (FTSENT* entry; (entry = fts_read(tree));) {
        if (!to) {
            files_total += entry->fts_info == FTS_F;
            bytes_total += entry->fts_info == FTS_F ? (unsigned long long)entry->fts_statp->st_size : 0;
            continue;
        }
        char path[PATH_MAX];
        if ((size_t)snprintf(path, sizeof path, "%s%s", to, entry->fts_path + root_length) >= sizeof path)
            complain(entry->fts_path, ENAMETOOLONG);
        else
            copy_entry(tree, entry, path);
    }
    fts_close(tree);
}

/* ---- where from and where to -----------------------------------------------------------------------------
 */

/* Whether `from`, a directory, would be copied onto or into itself. Says so. */
static bool is_circular(const char* from, const char* to) {
    char source[PATH_MAX], target[PATH_MAX], parent[PATH_MAX];
    struct stat status;
    if (lstat(from, &status) != 0 || !S_ISDIR(status.st_mode) || !realpath(from, source))
        return false;
    parent_of(to, parent);
    if (!realpath(to, target) && !realpath(parent, target))
        return false; /* the walk tells what is wrong */
    const size_t length = strcmp(source, "/") == 0 ? 0 : strlen(source);
    if (strncmp(target, source, length) != 0 || (target[length] != '\0' && target[length] != '/'))
        return false;
    if (target[length] == '\0' && realpath(to, target))
        complain_of_two(from, "is the same file as", to);
    else
        complain_of_two(from, "would be copied into itself:", to);
    return true;
}

/* What is walked, and where its copy goes: into an existing directory, under its own name. */
static bool find_paths(const char* given_from, const char* given_to, char from[PATH_MAX], char to[PATH_MAX]) {
    struct stat status;
    size_t length = strlen(given_from);
    while (length > 1 && given_from[length - 1] == '/')
        --length;
    /* With a slash behind it a link is the directory it leads to; the root has nothing but its slash. */
    const bool slash = given_from[length] == '/' || strcmp(given_from, "/") == 0;
    if (length + 3 > PATH_MAX)
        return false;
    snprintf(from, PATH_MAX, "%.*s", (int)length, given_from);
    const char* name = last_part(from);
    /* What has no name of its own, or that of another directory, gives its contents. */
    if (*name == '\0' || strcmp(name, "..") == 0)
        name = ".";
    const bool inside = stat(given_to, &status) == 0 && S_ISDIR(status.st_mode);
    const int written = snprintf(to, PATH_MAX, "%s%s%s", given_to, inside ? "/" : "", inside ? name : "");
    if (slash)
        snprintf(from + length, 3, "%s", given_from[length - 1] == '/' ? "." : "/.");
    return written < PATH_MAX;
}

int main(int argc, char** argv) {
    char from[PATH_MAX], to[PATH_MAX];
    verify = argc > 1 && strcmp(argv[1], "--verify") == 0;
    if (argc != 3 + verify) {
        fprintf(stderr, "usage: auraio-cp [--verify] FROM TO\n");
        return 2;
    }
    if (!find_paths(argv[1 + verify], argv[2 + verify], from, to)) {
        complain(argv[1 + verify], ENAMETOOLONG);
        return 1;
    }
    if (is_circular(from, to))
        return 1;
    aura_options_t options;
    aura_options_init(&options);
    options.ring_count = 1; /* one thread drives it */
    engine = aura_create_with_options(&options);
    if (!engine) {
        perror("auraio-cp");
        return 1;
    }
    prepare_slots();
    show_progress = isatty(STDERR_FILENO) != 0;
    if (show_progress)
        walk(from, NULL);
    walk(from, to);
    aura_drain(engine, -1);
    finish_directories();
    draw_progress(true);
    free_slots();
    return aura_destroy(engine) != 0 || any_failed;
}
