/*
 * auraio_cp: copying regular files, many at once, large ones in several blocks at once.
 *
 * The source is opened first, and the target only if that worked; the target is emptied only when it is known
 * to be another file. How long a file is, is what reading it says: those of /proc have a size of 0.
 */
#include "auraio_cp.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { slot_count = 64, slots_per_file = 8, block = 262144, spare_descriptors = 24 };

/* A file that is being copied, by one or several slots, each with a block of its own at a time. */
struct file {
    char *from, *to;
    struct stat status; /* of the source */
    int in, out;        /* descriptors, -1 while not open */
    int slots;          /* that work on it */
    bool verifying, failed;
    bool end_taken;    /* somebody has the block in which the file ends */
    off_t next_offset; /* of the block that nobody has taken */
    off_t length;      /* where the file has been found to end, at most */
};

struct slot {
    struct file* file; /* NULL: idle */
    struct slot* next; /* that waits for a descriptor */
    char* data;        /* two blocks: what is copied, or what is compared */
    off_t offset;      /* of what is read, written or compared now */
    size_t left;       /* of the block, from the offset on */
    size_t length, done;
    bool to_the_end; /* the file ends in this block, or later than was thought */
    int comparing;   /* how many reads are on their way */
};

static struct slot slots[slot_count];
static int idle = slot_count, files_open, files_most = slot_count;
static struct slot* starved; /* wait until another file is closed */

static void open_source(struct slot* s);
static void open_target(struct slot* s, bool exists);
static void next_block(struct slot* s);
static void read_on(struct slot* s);

/* ---- the end of a file -----------------------------------------------------------------------------------
 */

static void fail(struct file* f, const char* path, int error) {
    if (!f->failed) /* one message for each file */
        complain(path, error);
    f->failed = true;
}

static void end_file(struct file* f) {
    if (f->in >= 0)
        close(f->in);
    if (f->out >= 0 && close(f->out) != 0)
        fail(f, f->to, errno);
    --files_open;
    ++files_done;
    draw_progress(false);
    free(f->from);
    free(f->to);
    free(f);
    if (starved) {
        struct slot* s = starved;
        starved = s->next;
        if (s->file->in < 0)
            open_source(s);
        else
            open_target(s, false);
    }
}

/* The last slot that leaves ends the copy, and perhaps begins the comparison. */
static void leave(struct slot* s) {
    struct file* f = s->file;
    s->file = NULL;
    ++idle;
    if (--f->slots != 0)
        return;
    /* The length too: a hole at the end was not written. */
    if (!f->verifying && !f->failed &&
        (ftruncate(f->out, f->length) != 0 || !keep_attributes(f->out, f->to, &f->status)))
        fail(f, f->to, errno);
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

static void fail_and_leave(struct slot* s, const char* path, int error) {
    fail(s->file, path, error);
    leave(s);
}

/* ---- copying blocks --------------------------------------------------------------------------------------
 */

static bool is_zero(const char* data, size_t length) {
    return data[0] == 0 && memcmp(data, data + 1, length - 1) == 0;
}

/* So many bytes of the block are where they belong. */
static void moved(struct slot* s, size_t count) {
    struct file* f = s->file;
    bytes_done += count;
    draw_progress(false);
    s->offset += (off_t)count;
    s->left -= count;
    /* A read that ends where the file ended when it was opened is not followed by one that finds nothing. */
    if (s->to_the_end && s->left != 0 && s->offset == f->status.st_size)
        next_block(s);
    else if (s->left != 0 || s->to_the_end)
        read_on(s);
    else
        next_block(s);
}

static void on_written(aura_request_t* request, ssize_t result, void* user_data) {
    struct slot* s = user_data;
    struct file* f = s->file;
    (void)request;
    if (result <= 0) {
        fail_and_leave(s, f->to, result < 0 ? (int)-result : EIO);
        return;
    }
    s->done += (size_t)result;
    if (s->done == s->length)
        moved(s, s->length);
    else if (!aura_write(engine, f->out, aura_buf(s->data + s->done), s->length - s->done,
                         s->offset + (off_t)s->done, on_written, s))
        fail_and_leave(s, f->to, errno);
}

static void on_read(aura_request_t* request, ssize_t result, void* user_data) {
    struct slot* s = user_data;
    struct file* f = s->file;
    (void)request;
    if (result < 0) {
        fail_and_leave(s, f->from, (int)-result);
        return;
    }
    if (result == 0) { /* here it ends, whatever was said of its length */
        if (s->offset < f->length)
            f->length = s->offset;
        next_block(s);
        return;
    }
    const off_t end = s->offset + result;
    if (s->to_the_end && end > f->length)
        f->length = end; /* it has grown */
    s->length = (size_t)result;
    s->done = 0;
    if (f->status.st_blocks * 512 < f->status.st_size && is_zero(s->data, s->length))
        moved(s, s->length); /* stays a hole */
    else if (!aura_write(engine, f->out, aura_buf(s->data), s->length, s->offset, on_written, s))
        fail_and_leave(s, f->to, errno);
}

static void read_on(struct slot* s) {
    if (s->left == 0) /* beyond the block in which it was to end */
        s->left = block;
    if (!aura_read(engine, s->file->in, aura_buf(s->data), s->left, s->offset, on_read, s))
        fail_and_leave(s, s->file->from, errno);
}

/* ---- comparing blocks ------------------------------------------------------------------------------------
 */

static void on_compared(aura_request_t* request, ssize_t result, void* user_data) {
    struct slot* s = user_data;
    struct file* f = s->file;
    if (result < 0 || (size_t)result < s->length)
        fail(f, aura_request_fd(request) == f->in ? f->from : f->to, result < 0 ? (int)-result : ESTALE);
    if (--s->comparing != 0)
        return;
    if (!f->failed && memcmp(s->data, s->data + block, s->length) != 0) {
        complain_of_two(f->to, "differs from", f->from);
        f->failed = true;
    }
    bytes_done += s->length;
    draw_progress(false);
    next_block(s);
}

static void compare_next(struct slot* s) {
    struct file* f = s->file;
    const off_t left = f->length - f->next_offset;
    s->offset = f->next_offset;
    s->length = left < block ? (size_t)left : block;
    f->next_offset += (off_t)s->length;
    s->comparing = 0;
    if (aura_read(engine, f->in, aura_buf(s->data), s->length, s->offset, on_compared, s))
        ++s->comparing;
    if (aura_read(engine, f->out, aura_buf(s->data + block), s->length, s->offset, on_compared, s))
        ++s->comparing;
    if (s->comparing != 2)
        fail(f, f->to, errno);
    if (s->comparing == 0) /* else the other one ends it */
        leave(s);
}

static void next_block(struct slot* s) {
    struct file* f = s->file;
    if (f->failed || (f->verifying ? f->next_offset >= f->length : f->end_taken)) {
        leave(s);
    } else if (f->verifying) {
        compare_next(s);
    } else {
        s->offset = f->next_offset;
        s->left = block;
        s->to_the_end = f->end_taken = f->status.st_size - f->next_offset < block;
        f->next_offset += block;
        read_on(s);
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

/* True: no descriptor is left for `s`, and it waits until another file is closed. */
static bool starves(struct slot* s, int error) {
    int waiting = 1;
    for (const struct slot* w = starved; w; w = w->next)
        ++waiting;
    if ((error != EMFILE && error != ENFILE) || waiting >= files_open)
        return false; /* nobody would close one */
    s->next = starved;
    starved = s;
    return true;
}

static void start_blocks(struct slot* s) {
    struct file* f = s->file;
    f->length = f->status.st_size;
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

static void use_target(struct slot* s, int fd, bool exists) {
    struct file* f = s->file;
    struct stat target;
    f->out = fd;
    if (!exists)
        start_blocks(s);
    else if (fstat(fd, &target) != 0)
        fail_and_leave(s, f->to, errno);
    else if (same_file(&target, &f->status)) {
        complain_of_two(f->from, "is the same file as", f->to);
        f->failed = true;
        leave(s);
    } else if (!S_ISREG(target.st_mode))
        fail_and_leave(s, f->to, EOPNOTSUPP);
    else if (ftruncate(fd, 0) != 0)
        fail_and_leave(s, f->to, errno);
    else
        start_blocks(s);
}

static void on_made(aura_request_t* request, ssize_t result, void* user_data) {
    struct slot* s = user_data;
    (void)request;
    if (result >= 0)
        use_target(s, (int)result, false);
    else if (result == -EEXIST)
        open_target(s, true);
    else if (!starves(s, (int)-result))
        fail_and_leave(s, s->file->to, (int)-result);
}

static void on_found(aura_request_t* request, ssize_t result, void* user_data) {
    struct slot* s = user_data;
    struct file* f = s->file;
    (void)request;
    if (result >= 0)
        use_target(s, (int)result, true);
    else if (result == -ENOENT) { /* it exists and does not: a link that leads nowhere */
        complain_of_two(f->from, "is not written through the dangling link", f->to);
        f->failed = true;
        leave(s);
    } else if (!starves(s, (int)-result))
        fail_and_leave(s, f->to, (int)-result);
}

static void open_target(struct slot* s, bool exists) {
    const int access = (verify ? O_RDWR : O_WRONLY) | O_CLOEXEC | O_NOCTTY;
    if (!aura_openat(engine, AT_FDCWD, s->file->to, exists ? access : access | O_CREAT | O_EXCL, 0600,
                     exists ? on_found : on_made, s))
        fail_and_leave(s, s->file->to, errno);
}

static void on_source_open(aura_request_t* request, ssize_t result, void* user_data) {
    struct slot* s = user_data;
    struct file* f = s->file;
    const struct stat seen = f->status;
    (void)request;
    if (result < 0) {
        if (!starves(s, (int)-result))
            fail_and_leave(s, f->from, (int)-result);
        return;
    }
    f->in = (int)result;
    if (fstat(f->in, &f->status) != 0)
        fail_and_leave(s, f->from, errno);
    else if (!same_file(&seen, &f->status) || !S_ISREG(f->status.st_mode))
        fail_and_leave(s, f->from, ESTALE); /* replaced meanwhile */
    else
        open_target(s, false);
}

static void open_source(struct slot* s) {
    const int access = O_RDONLY | O_CLOEXEC | O_NOFOLLOW;
    if (!aura_openat(engine, AT_FDCWD, s->file->from, access, 0, on_source_open, s))
        fail_and_leave(s, s->file->from, errno);
}

void copy_file(const char* from, const char* to, const struct stat* status) {
    struct file* f = must(calloc(1, sizeof *f));
    f->from = must(strdup(from));
    f->to = must(strdup(to));
    f->status = *status;
    f->in = f->out = -1;
    while (idle == 0 || files_open >= files_most) {
        const int result = aura_wait(engine, -1);
        if (result < 0) {
            fprintf(stderr, "auraio-cp: %s\n", strerror(-result));
            exit(1);
        }
    }
    ++files_open;
    open_source(take_slot(f));
}

/* ---- slots -----------------------------------------------------------------------------------------------
 */

static int count_open_descriptors(void) {
    DIR* all = opendir("/proc/self/fd");
    int count = 0;
    if (!all)
        return 0;
    while (readdir(all))
        ++count;
    closedir(all);
    return count;
}

void prepare_slots(void) {
    for (int i = 0; i < slot_count; ++i)
        slots[i].data = must(aura_buffer_alloc(engine, 2 * block));
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max; /* what may be had without asking anybody */
    setrlimit(RLIMIT_NOFILE, &limit);
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > 4096)
        return;
    const int left = (int)limit.rlim_cur - count_open_descriptors() - spare_descriptors;
    files_most = left < 2 ? 1 : left / 2 < slot_count ? left / 2 : slot_count;
}

void free_slots(void) {
    for (int i = 0; i < slot_count; ++i)
        aura_buffer_free(engine, slots[i].data);
}
