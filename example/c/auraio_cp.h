/* auraio_cp: what its parts share. The tree is walked in auraio_cp.c, files are copied in auraio_cp_file.c.
 */
#ifndef AURAIO_CP_H
#define AURAIO_CP_H

#include <auraio/aura.h>

#include <stdbool.h>
#include <sys/stat.h>

extern aura_engine_t* engine;
extern bool verify, any_failed;

/* What is shown on a terminal. */
extern bool show_progress;
extern unsigned long long bytes_done, bytes_total, files_done, files_total;
void draw_progress(bool last);

/* Tell on stderr what went wrong; the exit status is 1 then. */
void complain(const char* path, int error);
void complain_of_two(const char* one, const char* what, const char* two);

/* `memory`, unless it is NULL. */
void* must(void* memory);

bool same_file(const struct stat* a, const struct stat* b);

/*
 * Gives a copy the source's owner, mode and times. As cp: who may not give files away keeps them, without the
 * bits by which programs run as their owner. False: errno says why. `fd` -1: of what `path` names, a link
 * itself.
 */
bool keep_attributes(int fd, const char* path, const struct stat* source);

/* Buffers for as many files at once as there may be descriptors for. */
void prepare_slots(void);
void free_slots(void);

/* Copies a regular file; returns when that is under way. aura_drain() ends it. */
void copy_file(const char* from, const char* to, const struct stat* status);

#endif
