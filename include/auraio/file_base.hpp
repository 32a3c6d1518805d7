// file_base: flags and constants of file objects.
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/core/io/io_class.hpp"
#include "auraio/detail/config.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

AURAIO_OPEN

/// asio::file_base, and `direct`.
class file_base {
public:
    /// How to open a file; combine with |. The names are Asio's, the meanings those of open(2).
    enum flags : int {
        read_only = O_RDONLY,
        write_only = O_WRONLY,
        read_write = O_RDWR,
        append = O_APPEND,
        create = O_CREAT, ///< with permissions 0666, less the process's umask
        exclusive = O_EXCL,
        truncate = O_TRUNC,
        sync_all_on_write = O_SYNC,
        /// Past the page cache (O_DIRECT). Buffer addresses, lengths and offsets must be aligned to what the
        /// device asks for; an operation that is not fails with direct_alignment_category(), which says how
        /// much.
        direct = O_DIRECT
    };

    /// What seek() counts from.
    enum seek_basis : int { seek_set = SEEK_SET, seek_cur = SEEK_CUR, seek_end = SEEK_END };

    friend constexpr flags operator|(flags a, flags b) { return flags(int(a) | int(b)); }
    friend constexpr flags operator&(flags a, flags b) { return flags(int(a) & int(b)); }
    friend constexpr flags operator^(flags a, flags b) { return flags(int(a) ^ int(b)); }
    friend constexpr flags operator~(flags a) { return flags(~int(a)); }
    friend constexpr flags& operator|=(flags& a, flags b) { return a = a | b; }
    friend constexpr flags& operator&=(flags& a, flags b) { return a = a & b; }
    friend constexpr flags& operator^=(flags& a, flags b) { return a = a ^ b; }

protected:
    file_base() = default;
    ~file_base() = default;
};

/// Whom a file's reads and writes serve: see io_class() of files.
using core::io_class;

/// What async_stat() yields: statx(2)'s structure; stx_mask says which fields the file system filled.
using file_status = struct ::statx;

AURAIO_CLOSE

#endif
