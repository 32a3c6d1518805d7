/*
 * auraio-cp: copies files and directory trees, many files in flight: auraio_cp [--verify] FROM TO
 *
 * As `cp -R -p`: modes, times and, for root, owners are kept, symbolic links and FIFOs are made anew, holes
 * stay holes; an existing directory TO gets FROM's copy inside. Hard links become files of their own,
 * extended attributes are not copied. --verify reads everything once more and compares. Errors are told one
 * by one; the exit status is then 1.
 */
#include <auraio/aura.h>

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { slot_count = 64, slots_per_file = 8, block = 262144 };

/* A file that is being copied, by one or several slots, each with a block of its own at a time. */
struct file {
    char *from, *to;
    struct stat status;
    int in, out; /* descriptors, -1 while not open */
    int opening; /* how many of the two have not been opened yet */
    int slots;   /* that work on it */
    bool verifying, failed;
    off_t next_offset; /* of the block that nobody has taken */
};

struct slot {
    struct file* file; /* NULL: idle */
    char* data;        /* two blocks: what is copied, or what is compared */
    off_t offset;
    size_t length, done;
    int comparing; /* how many reads are on their way */
};

/* Directories get their modes and times when everything in them is there. */
struct directory {
    char* path;
    struct stat status;
    struct directory* next;
};

static aura_engine_t* engine;
static struct slot slots[slot_count];
static int idle = slot_count;
static struct directory* directories;
static bool verify, show_progress, any_failed;
static unsigned long long bytes_done, bytes_total, files_done, files_total;

static void complain(const char* path, int error) {
    any_failed = true;
    fprintf(stderr, "%sauraio-cp: %s: %s\n", show_progress ? "\r\033[K" : "", path, strerror(error));
}

static void* must(void* memory) {
    if (!memory) {
        fprintf(stderr, "auraio-cp: out of memory\n");
        exit(1);
    }
    return memory;
}

/* ---- progress --------------------------------------------------------------------------------------------
 */

static void draw_progress(bool last) {
    static struct timespec shown;
    struct timespec now;
    if (!show_progress)
        return;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (!last && (now.tv_sec - shown.tv_sec) * 1000 + (now.tv_nsec - shown.tv_nsec) / 1000000 < 100)
        return;
    shown = now;
    const unsigned long long all = bytes_total * (verify ? 2 : 1);
    const int width = 30, filled = all ? (int)(bytes_done * (unsigned)width / all) : width;
    fprintf(stderr, "\r[%.*s%*s] %llu of %llu files, %llu of %llu MB", filled,
            "##############################", width - filled, "", files_done, files_total, bytes_done >> 20,
            all >> 20);
    if (last)
        fputc('\n', stderr);
}

/* ---- the end of a file -----------------------------------------------------------------------------------
 */

static void fail(struct file* f, const char* path, int error) {
    if (!f->failed) /* one message for each file */
        complain(path, error);
    f->failed = true;
}

static void keep_attributes(struct file* f) {
    const struct timespec times[2] = {f->status.st_atim, f->status.st_mtim};
    /* The length too: a hole at the end was not written, nor does an old file's rest belong here. */
    if (ftruncate(f->out, f->status.st_size) != 0 ||
        (geteuid() == 0 && fchown(f->out, f->status.st_uid, f->status.st_gid) != 0) ||
        fchmod(f->out, f->status.st_mode & 07777) != 0 || futimens(f->out, times) != 0)
        fail(f, f->to, errno);
}

static void end_file(struct file* f) {
    if (f->in >= 0)
        close(f->in);
    if (f->out >= 0 && close(f->out) != 0)
        fail(f, f->to, errno);
    ++files_done;
    draw_progress(false);
    free(f->from);
    free(f->to);
    free(f);
}

/* ---- blocks ----------------------------------------------------------------------------------------------
 */

static void next_block(struct slot* s);

static bool is_zero(const char* data, size_t length) {
    return data[0] == 0 && memcmp(data, data + 1, length - 1) == 0;
}

static void leave(struct slot* s) {
    struct file* f = s->file;
    s->file = NULL;
    ++idle;
    if (--f->slots != 0)
        return;
    if (!f->verifying && !f->failed)
        keep_attributes(f);
    if (verify && !f->verifying && !f->failed) { /* once more, this slot alone */
        f->verifying = true;
        f->next_offset = 0;
        f->slots = 1;
        --idle;
        s->file = f;
        next_block(s);
        return;
    }
    end_file(f);
}

static void block_done(struct slot* s) {
    bytes_done += s->length;
    draw_progress(false);
    next_block(s);
}

static void on_written(aura_request_t* request, ssize_t result, void* user_data) {
    struct slot* s = user_data;
    (void)request;
    if (result <= 0) {
        fail(s->file, s->file->to, result < 0 ? (int)-result : EIO);
        leave(s);
        return;
    }
    s->done += (size_t)result;
    if (s->done == s->length)
        block_done(s);
    else if (!aura_write(engine, s->file->out, aura_buf(s->data + s->done), s->length - s->done,
                         s->offset + (off_t)s->done, on_written, s)) {
        fail(s->file, s->file->to, errno);
        leave(s);
    }
}

static void on_read(aura_request_t* request, ssize_t result, void* user_data) {
    struct slot* s = user_data;
    struct file* f = s->file;
    (void)request;
    if (result < 0 || (size_t)result < s->length) { /* a regular file is short where it ends */
        fail(f, f->from, result < 0 ? (int)-result : ESTALE);
        leave(s);
        return;
    }
    if (f->status.st_blocks * 512 < f->status.st_size && is_zero(s->data, s->length)) {
        block_done(s); /* stays a hole */
        return;
    }
    s->done = 0;
    if (!aura_write(engine, f->out, aura_buf(s->data), s->length, s->offset, on_written, s)) {
        fail(f, f->to, errno);
        leave(s);
    }
}

static void on_compared(aura_request_t* request, ssize_t result, void* user_data) {
    struct slot* s = user_data;
    struct file* f = s->file;
    if (result < 0 || (size_t)result < s->length)
        fail(f, aura_request_fd(request) == f->in ? f->from : f->to, result < 0 ? (int)-result : ESTALE);
    if (--s->comparing != 0)
        return;
    if (!f->failed && memcmp(s->data, s->data + block, s->length) != 0) {
        fprintf(stderr, "auraio-cp: %s: differs from %s\n", f->to, f->from);
        f->failed = any_failed = true;
    }
    if (f->failed)
        leave(s);
    else
        block_done(s);
}

static void next_block(struct slot* s) {
    struct file* f = s->file;
    if (f->failed || f->next_offset >= f->status.st_size) {
        leave(s);
        return;
    }
    const off_t left = f->status.st_size - f->next_offset;
    s->offset = f->next_offset;
    s->length = left < block ? (size_t)left : block;
    f->next_offset += (off_t)s->length;
    bool started;
    if (f->verifying) {
        s->comparing = 0;
        if (aura_read(engine, f->in, aura_buf(s->data), s->length, s->offset, on_compared, s))
            ++s->comparing;
        if (aura_read(engine, f->out, aura_buf(s->data + block), s->length, s->offset, on_compared, s))
            ++s->comparing;
        started = s->comparing != 0;
        if (s->comparing == 1) /* the other one ends it */
            fail(f, f->to, errno);
    } else {
        started = aura_read(engine, f->in, aura_buf(s->data), s->length, s->offset, on_read, s) != NULL;
    }
    if (!started) {
        fail(f, f->from, errno);
        leave(s);
    }
}

/* ---- the beginning of a file -----------------------------------------------------------------------------
 */

static struct slot* take_slot(struct file* f) {
    struct slot* s = slots;
    while (s->file)
        ++s;
    s->file = f;
    ++f->slots;
    --idle;
    return s;
}

/* One of the two opens has ended. The slot that was taken for the file is passed along. */
static void opened(struct slot* s, int* fd, const char* path, ssize_t result) {
    struct file* f = s->file;
    if (result < 0)
        fail(f, path, (int)-result);
    else
        *fd = (int)result;
    if (--f->opening != 0)
        return;
    if (f->failed) {
        leave(s);
        return;
    }
    /* A large file takes several blocks at a time, as far as nobody else wants the slots. */
    struct slot* more[slots_per_file];
    int count = 0;
    while (count < slots_per_file - 1 && (off_t)(count + 1) * block < f->status.st_size &&
           idle > slot_count / 2)
        more[count++] = take_slot(f);
    next_block(s);
    for (int i = 0; i < count; ++i)
        next_block(more[i]);
}

static void on_source_open(aura_request_t* request, ssize_t result, void* user_data) {
    struct slot* s = user_data;
    (void)request;
    opened(s, &s->file->in, s->file->from, result);
}

static void on_target_open(aura_request_t* request, ssize_t result, void* user_data) {
    struct slot* s = user_data;
    (void)request;
    opened(s, &s->file->out, s->file->to, result);
}

static void copy_file(const char* from, const char* to, const struct stat* status) {
    struct file* f = must(calloc(1, sizeof *f));
    f->from = must(strdup(from));
    f->to = must(strdup(to));
    f->status = *status;
    f->in = f->out = -1;
    while (idle == 0) {
        const int result = aura_wait(engine, -1);
        if (result < 0) {
            fprintf(stderr, "auraio-cp: %s\n", strerror(-result));
            exit(1);
        }
    }
    struct slot* s = take_slot(f);
    f->opening = 2;
    if (!aura_openat(engine, AT_FDCWD, f->from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0, on_source_open, s)) {
        f->opening = 1; /* the other one is not even tried */
        opened(s, &f->in, f->from, -errno);
        return;
    }
    if (!aura_openat(engine, AT_FDCWD, f->to, (verify ? O_RDWR : O_WRONLY) | O_CREAT | O_TRUNC | O_CLOEXEC,
                     0600, on_target_open, s))
        opened(s, &f->out, f->to, -errno);
}

/* ---- the tree --------------------------------------------------------------------------------------------
 */

static void make_directory(const char* to, const struct stat* status) {
    if (mkdir(to, 0700) != 0 && errno != EEXIST) {
        complain(to, errno);
        return;
    }
    struct directory* d = must(malloc(sizeof *d));
    d->path = must(strdup(to));
    d->status = *status;
    d->next = directories; /* those further down come first */
    directories = d;
}

static void finish_directories(void) {
    while (directories) {
        struct directory* d = directories;
        const struct timespec times[2] = {d->status.st_atim, d->status.st_mtim};
        if ((geteuid() == 0 && chown(d->path, d->status.st_uid, d->status.st_gid) != 0) ||
            chmod(d->path, d->status.st_mode & 07777) != 0 || utimensat(AT_FDCWD, d->path, times, 0) != 0)
            complain(d->path, errno);
        directories = d->next;
        free(d->path);
        free(d);
    }
}

/* What is no file and no directory is made anew at once, in the place of what is there. */
static void make_special(const char* from, const char* to, const struct stat* status) {
    const struct timespec times[2] = {status->st_atim, status->st_mtim};
    char target[PATH_MAX];
    int result;
    if (unlink(to) != 0 && errno != ENOENT) {
        complain(to, errno);
        return;
    }
    if (S_ISLNK(status->st_mode)) {
        const ssize_t length = readlink(from, target, sizeof target - 1);
        if (length < 0) {
            complain(from, errno);
            return;
        }
        target[length] = '\0';
        result = symlink(target, to);
    } else if (S_ISFIFO(status->st_mode)) {
        result = mkfifo(to, 0600) != 0 || chmod(to, status->st_mode & 07777) != 0;
    } else {
        complain(from, EOPNOTSUPP); /* a device or a socket */
        return;
    }
    if (result != 0 || (geteuid() == 0 && lchown(to, status->st_uid, status->st_gid) != 0) ||
        utimensat(AT_FDCWD, to, times, AT_SYMLINK_NOFOLLOW) != 0)
        complain(to, errno);
}

static void copy_entry(const FTSENT* entry, const char* to) {
    switch (entry->fts_info) {
    case FTS_D:
        make_directory(to, entry->fts_statp);
        break;
    case FTS_F:
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
            copy_entry(entry, path);
    }
    fts_close(tree);
}

/* Where the copy goes: into an existing directory, under its own name. False: inside itself. */
static bool find_target(char* from, const char* given, char* to) {
    struct stat status;
    size_t length = strlen(from);
    while (length > 1 && from[length - 1] == '/')
        from[--length] = '\0';
    const char* name = strrchr(from, '/');
    const bool inside = stat(given, &status) == 0 && S_ISDIR(status.st_mode);
    if ((size_t)snprintf(to, PATH_MAX, "%s%s%s", given, inside ? "/" : "",
                         inside ? (name ? name + 1 : from) : "") >= PATH_MAX)
        return false;
    char source[PATH_MAX], parent[PATH_MAX];
    snprintf(parent, sizeof parent, "%s", to);
    char* slash = strrchr(parent, '/');
    *(slash ? slash + (slash == parent) : parent + 1) = '\0';
    if (!slash)
        parent[0] = '.';
    char resolved[PATH_MAX];
    if (!realpath(from, source) || !realpath(parent, resolved))
        return true; /* the walk tells what is wrong */
    length = strlen(source);
    return strncmp(resolved, source, length) != 0 || (resolved[length] != '\0' && resolved[length] != '/') ||
           (stat(from, &status) == 0 && !S_ISDIR(status.st_mode));
}

int main(int argc, char** argv) {
    verify = argc > 1 && strcmp(argv[1], "--verify") == 0;
    if (argc != 3 + verify) {
        fprintf(stderr, "usage: auraio_cp [--verify] FROM TO\n");
        return 2;
    }
    char* const from = argv[1 + verify];
    char to[PATH_MAX];
    if (!find_target(from, argv[2 + verify], to)) {
        fprintf(stderr, "auraio-cp: %s: would be copied into itself\n", from);
        return 1;
    }
    engine = aura_create();
    if (!engine) {
        perror("auraio-cp");
        return 1;
    }
    for (int i = 0; i < slot_count; ++i)
        slots[i].data = must(aura_buffer_alloc(engine, 2 * block));
    show_progress = isatty(STDERR_FILENO) != 0;
    if (show_progress)
        walk(from, NULL);
    walk(from, to);
    aura_drain(engine, -1);
    finish_directories();
    draw_progress(true);
    for (int i = 0; i < slot_count; ++i)
        aura_buffer_free(engine, slots[i].data);
    return aura_destroy(engine) != 0 || any_failed;
}
