// files: each operation on a file, and what each refuses.
#include "support.hpp"

#include <cstring>
#include <limits>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>

using namespace test;

namespace {

struct CFiles : testing::Test {
    engine_ptr engine = make_engine();
    scratch_file file{1 << 20};
    unique_fd fd{::open(file.path().c_str(), O_RDWR | O_CLOEXEC)};
    ended done;

    aura_engine_t* e() const { return engine.get(); }

    std::string contents(off_t offset, std::size_t size) const {
        std::string s(size, '\0');
        EXPECT_EQ(::pread(fd.get(), s.data(), size, offset), static_cast<ssize_t>(size));
        return s;
    }
};

/// NULL with `error`.
template <class Start>
void refuses(int error, Start start) {
    errno = 0;
    EXPECT_EQ(start(), nullptr);
    EXPECT_EQ(errno, error);
}

} // namespace

TEST_F(CFiles, Read) {
    char data[4096];
    ASSERT_NE(aura_read(e(), fd.get(), aura_buf(data), sizeof data, 12345, ended::note, &done), nullptr);
    EXPECT_EQ(finish(engine, done), 4096);
    EXPECT_TRUE(scratch_file::matches(data, sizeof data, 12345));
}

TEST_F(CFiles, ReadAtTheEnd) {
    char data[64];
    ASSERT_NE(aura_read(e(), fd.get(), aura_buf(data), sizeof data, (1 << 20) - 10, ended::note, &done),
              nullptr);
    EXPECT_EQ(finish(engine, done), 10);
    ended beyond;
    ASSERT_NE(aura_read(e(), fd.get(), aura_buf(data), sizeof data, 1 << 20, ended::note, &beyond), nullptr);
    EXPECT_EQ(finish(engine, beyond), 0);
}

TEST_F(CFiles, ReadDirect) {
    const unique_fd direct(::open(file.path().c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC));
    if (direct.get() < 0)
        GTEST_SKIP() << "no O_DIRECT in this directory";
    const aligned_buffer data(8192);
    ASSERT_NE(aura_read(e(), direct.get(), aura_buf(data.data()), 8192, 4096, ended::note, &done), nullptr);
    EXPECT_EQ(finish(engine, done), 8192);
    EXPECT_TRUE(scratch_file::matches(data.data(), 8192, 4096));
}

TEST_F(CFiles, ReadAtTheCurrentPosition) {
    ASSERT_EQ(::lseek(fd.get(), 500, SEEK_SET), 500);
    char data[100];
    ASSERT_NE(
        aura_read(e(), fd.get(), aura_buf(data), sizeof data, AURA_CURRENT_POSITION, ended::note, &done),
        nullptr);
    EXPECT_EQ(finish(engine, done), 100);
    EXPECT_TRUE(scratch_file::matches(data, sizeof data, 500));
    EXPECT_EQ(::lseek(fd.get(), 0, SEEK_CUR), 600);
}

TEST_F(CFiles, Write) {
    ASSERT_NE(aura_write(e(), fd.get(), aura_buf("written"), 7, 100, ended::note, &done), nullptr);
    EXPECT_EQ(finish(engine, done), 7);
    EXPECT_EQ(contents(100, 7), "written");
    EXPECT_TRUE(scratch_file::matches(contents(107, 10).data(), 10, 107));
}

TEST_F(CFiles, NothingIsReadOrWritten) {
    ended wrote;
    ASSERT_NE(aura_read(e(), fd.get(), aura_buf(nullptr), 0, 0, ended::note, &done), nullptr);
    ASSERT_NE(aura_write(e(), fd.get(), aura_buf(nullptr), 0, 0, ended::note, &wrote), nullptr);
    EXPECT_EQ(finish(engine, done), 0);
    EXPECT_EQ(finish(engine, wrote), 0);
}

TEST_F(CFiles, ReadVector) {
    char a[10], b[20];
    const iovec v[] = {{a, sizeof a}, {b, sizeof b}};
    ASSERT_NE(aura_readv(e(), fd.get(), v, 2, 77, ended::note, &done), nullptr);
    EXPECT_EQ(finish(engine, done), 30);
    EXPECT_TRUE(scratch_file::matches(a, sizeof a, 77));
    EXPECT_TRUE(scratch_file::matches(b, sizeof b, 87));
}

TEST_F(CFiles, WriteVector) {
    char a[] = "one", b[] = "two!";
    const iovec v[] = {{a, 3}, {b, 4}};
    ASSERT_NE(aura_writev(e(), fd.get(), v, 2, 10, ended::note, &done), nullptr);
    EXPECT_EQ(finish(engine, done), 7);
    EXPECT_EQ(contents(10, 7), "onetwo!");
}

TEST_F(CFiles, Sync) {
    ended data;
    ASSERT_NE(aura_fsync(e(), fd.get(), ended::note, &done), nullptr);
    EXPECT_EQ(finish(engine, done), 0);
    ASSERT_NE(aura_fdatasync(e(), fd.get(), ended::note, &data), nullptr);
    EXPECT_EQ(finish(engine, data), 0);
}

TEST_F(CFiles, ACloseIsNotCancelled) {
    const int copy = ::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0);
    ASSERT_GE(copy, 0);
    ended closed;
    aura_request_t* const request = aura_close(e(), copy, ended::note, &closed);
    ASSERT_NE(request, nullptr);
    EXPECT_EQ(aura_cancel(e(), request), 0);
    EXPECT_EQ(finish(engine, closed), 0);
    EXPECT_EQ(::fcntl(copy, F_GETFD), -1);
}

TEST_F(CFiles, AnEngineThatEndsHasClosedWhatItWasToClose) {
    ended closed[8];
    int fds[8];
    aura_engine_t* const other = aura_create();
    ASSERT_NE(other, nullptr);
    for (int i = 0; i < 8; ++i) {
        fds[i] = ::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0);
        ASSERT_NE(aura_close(other, fds[i], ended::note, &closed[i]), nullptr);
    }
    EXPECT_EQ(aura_destroy(other), 0);
    for (int i = 0; i < 8; ++i) {
        EXPECT_EQ(closed[i].calls, 1);
        EXPECT_EQ(::fcntl(fds[i], F_GETFD), -1);
    }
}

TEST_F(CFiles, OpenAndClose) {
    const std::string path = file.path() + ".new";
    ASSERT_NE(aura_openat(e(), AT_FDCWD, path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0640,
                          ended::note, &done),
              nullptr);
    const int opened = static_cast<int>(finish(engine, done));
    ASSERT_GE(opened, 0);
    struct stat s{};
    EXPECT_EQ(::fstat(opened, &s), 0);
    EXPECT_EQ(s.st_mode & 0777, 0640u & ~static_cast<unsigned>([] {
                                    const mode_t m = ::umask(0);
                                    ::umask(m);
                                    return m;
                                }()));
    ended again, closed;
    ASSERT_NE(aura_openat(e(), AT_FDCWD, path.c_str(), O_CREAT | O_EXCL | O_RDWR, 0640, ended::note, &again),
              nullptr);
    EXPECT_EQ(finish(engine, again), -EEXIST);
    ASSERT_NE(aura_close(e(), opened, ended::note, &closed), nullptr);
    EXPECT_EQ(finish(engine, closed), 0);
    EXPECT_EQ(::fcntl(opened, F_GETFD), -1);
    ::unlink(path.c_str());
}

TEST_F(CFiles, Statx) {
    struct statx s{};
    ASSERT_NE(aura_statx(e(), fd.get(), "", AT_EMPTY_PATH, STATX_SIZE, &s, ended::note, &done), nullptr);
    EXPECT_EQ(finish(engine, done), 0);
    EXPECT_EQ(s.stx_size, 1u << 20);
    ended missing;
    ASSERT_NE(aura_statx(e(), AT_FDCWD, "./no/such/file", 0, STATX_SIZE, &s, ended::note, &missing), nullptr);
    EXPECT_EQ(finish(engine, missing), -ENOENT);
}

TEST_F(CFiles, Fallocate) {
    ASSERT_NE(aura_fallocate(e(), fd.get(), 0, 1 << 20, 4096, ended::note, &done), nullptr);
    const ssize_t result = finish(engine, done);
    if (result == -EOPNOTSUPP)
        GTEST_SKIP() << "this file system cannot allocate";
    EXPECT_EQ(result, 0);
    struct stat s{};
    EXPECT_EQ(::fstat(fd.get(), &s), 0);
    EXPECT_EQ(s.st_size, (1 << 20) + 4096);
    ended kept;
    ASSERT_NE(aura_fallocate(e(), fd.get(), FALLOC_FL_KEEP_SIZE, 2 << 20, 4096, ended::note, &kept), nullptr);
    EXPECT_EQ(finish(engine, kept), 0);
    EXPECT_EQ(::fstat(fd.get(), &s), 0);
    EXPECT_EQ(s.st_size, (1 << 20) + 4096);
}

TEST_F(CFiles, Truncate) {
    ASSERT_NE(aura_ftruncate(e(), fd.get(), 1000, ended::note, &done), nullptr);
    EXPECT_EQ(finish(engine, done), 0);
    struct stat s{};
    EXPECT_EQ(::fstat(fd.get(), &s), 0);
    EXPECT_EQ(s.st_size, 1000);
}

TEST_F(CFiles, SyncRange) {
    ASSERT_NE(
        aura_sync_file_range(e(), fd.get(), 0, 8192,
                             SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER,
                             ended::note, &done),
        nullptr);
    EXPECT_EQ(finish(engine, done), 0);
}

TEST_F(CFiles, WhatTheKernelRefusesIsTheResult) {
    const unique_fd read_only(::open(file.path().c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_NE(aura_write(e(), read_only.get(), aura_buf("x"), 1, 0, ended::note, &done), nullptr);
    EXPECT_EQ(finish(engine, done), -EBADF);
    ended closed, directory;
    ASSERT_NE(aura_fsync(e(), 1 << 20, ended::note, &closed), nullptr);
    EXPECT_EQ(finish(engine, closed), -EBADF);
    const unique_fd dir(::open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    char data[1];
    ASSERT_NE(aura_read(e(), dir.get(), aura_buf(data), 1, 0, ended::note, &directory), nullptr);
    EXPECT_EQ(finish(engine, directory), -EISDIR);
}

TEST_F(CFiles, WithoutACallback) {
    ASSERT_NE(aura_write(e(), fd.get(), aura_buf("quiet"), 5, 0, nullptr, nullptr), nullptr);
    EXPECT_EQ(aura_drain(e(), -1), 1);
    EXPECT_EQ(contents(0, 5), "quiet");
}

TEST_F(CFiles, MoreThanAReadCanMoveIsCutShort) {
    // Address space alone, for nothing is read beyond the end of the file.
    constexpr std::size_t asked = std::size_t{5} << 30;
    void* const data =
        ::mmap(nullptr, asked, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    ASSERT_NE(data, MAP_FAILED);
    ASSERT_NE(aura_read(e(), fd.get(), aura_buf(data), asked, (1 << 20) - 5, ended::note, &done), nullptr);
    EXPECT_EQ(finish(engine, done), 5);
    ::munmap(data, asked);
}

TEST_F(CFiles, RefuseWhatMakesNoSense) {
    char data[1];
    const int f = fd.get();
    const aura_buf_t buf = aura_buf(data);
    const iovec v{data, 1};
    struct statx s{};
    refuses(EINVAL, [&] { return aura_read(nullptr, f, buf, 1, 0, nullptr, nullptr); });
    refuses(EINVAL, [&] { return aura_fsync(nullptr, f, nullptr, nullptr); });
    refuses(EINVAL, [&] { return aura_openat(nullptr, AT_FDCWD, "x", 0, 0, nullptr, nullptr); });
    refuses(EBADF, [&] { return aura_read(e(), -1, buf, 1, 0, nullptr, nullptr); });
    refuses(EBADF, [&] { return aura_write(e(), -1, buf, 1, 0, nullptr, nullptr); });
    refuses(EBADF, [&] { return aura_readv(e(), -1, &v, 1, 0, nullptr, nullptr); });
    refuses(EBADF, [&] { return aura_writev(e(), -1, &v, 1, 0, nullptr, nullptr); });
    refuses(EBADF, [&] { return aura_fsync(e(), -1, nullptr, nullptr); });
    refuses(EBADF, [&] { return aura_fdatasync(e(), -1, nullptr, nullptr); });
    refuses(EBADF, [&] { return aura_close(e(), -1, nullptr, nullptr); });
    refuses(EBADF, [&] { return aura_fallocate(e(), -1, 0, 0, 1, nullptr, nullptr); });
    refuses(EBADF, [&] { return aura_ftruncate(e(), -1, 0, nullptr, nullptr); });
    refuses(EBADF, [&] { return aura_sync_file_range(e(), -1, 0, 0, 0, nullptr, nullptr); });
    refuses(EINVAL, [&] { return aura_read(e(), f, aura_buf(nullptr), 1, 0, nullptr, nullptr); });
    refuses(EINVAL, [&] { return aura_write(e(), f, aura_buf(nullptr), 1, 0, nullptr, nullptr); });
    refuses(EINVAL, [&] { return aura_read(e(), f, buf, 1, -2, nullptr, nullptr); });
    refuses(EINVAL, [&] { return aura_readv(e(), f, nullptr, 1, 0, nullptr, nullptr); });
    refuses(EINVAL, [&] { return aura_readv(e(), f, &v, -1, 0, nullptr, nullptr); });
    refuses(EINVAL, [&] { return aura_writev(e(), f, &v, 1025, 0, nullptr, nullptr); });
    refuses(EINVAL, [&] { return aura_writev(e(), f, &v, 1, -5, nullptr, nullptr); });
    refuses(EINVAL, [&] { return aura_openat(e(), AT_FDCWD, nullptr, 0, 0, nullptr, nullptr); });
    refuses(EINVAL, [&] { return aura_statx(e(), AT_FDCWD, nullptr, 0, 0, &s, nullptr, nullptr); });
    refuses(EINVAL, [&] { return aura_statx(e(), AT_FDCWD, ".", 0, 0, nullptr, nullptr, nullptr); });
    refuses(EINVAL, [&] { return aura_fallocate(e(), f, 0, -1, 1, nullptr, nullptr); });
    refuses(EINVAL, [&] { return aura_fallocate(e(), f, 0, 0, -1, nullptr, nullptr); });
    refuses(EINVAL, [&] { return aura_ftruncate(e(), f, -1, nullptr, nullptr); });
    refuses(EINVAL, [&] { return aura_sync_file_range(e(), f, -1, 0, 0, nullptr, nullptr); });
    refuses(EINVAL, [&] {
        return aura_sync_file_range(e(), f, 0, std::numeric_limits<off_t>::max(), 0, nullptr, nullptr);
    });
    EXPECT_EQ(aura_drain(e(), -1), 0); // none of them was started
}

// ---- those that take a registered file where a descriptor stands ----

namespace {

struct form {
    const char* name;
    aura_request_t* (*start)(aura_engine_t*, int file, const iovec&, ended&);
    ssize_t result;
};

constexpr std::size_t vector_size = 512;

const form forms[] = {
    {"aura_read",
     [](aura_engine_t* e, int file, const iovec& v, ended& done) {
         return aura_read(e, file, aura_buf(v.iov_base), v.iov_len, 0, ended::note, &done);
     },
     vector_size},
    {"aura_write",
     [](aura_engine_t* e, int file, const iovec& v, ended& done) {
         return aura_write(e, file, aura_buf(v.iov_base), v.iov_len, 0, ended::note, &done);
     },
     vector_size},
    {"aura_readv",
     [](aura_engine_t* e, int file, const iovec& v, ended& done) {
         return aura_readv(e, file, &v, 1, 0, ended::note, &done);
     },
     vector_size},
    {"aura_writev",
     [](aura_engine_t* e, int file, const iovec& v, ended& done) {
         return aura_writev(e, file, &v, 1, 0, ended::note, &done);
     },
     vector_size},
    {"aura_fsync",
     [](aura_engine_t* e, int file, const iovec&, ended& done) {
         return aura_fsync(e, file, ended::note, &done);
     },
     0},
    {"aura_fdatasync",
     [](aura_engine_t* e, int file, const iovec&, ended& done) {
         return aura_fdatasync(e, file, ended::note, &done);
     },
     0},
};

class CFileForms : public CFiles, public testing::WithParamInterface<form> {
protected:
    aura_request_t* start(int f) { return GetParam().start(e(), f, vector, done); }

    char memory[vector_size] = {};
    const iovec vector{memory, sizeof memory};
};

} // namespace

TEST_P(CFileForms, TakesADescriptor) {
    ASSERT_TRUE(start(fd.get()));
    EXPECT_EQ(finish(engine, done), GetParam().result);
}

TEST_P(CFileForms, TakesARegisteredFile) {
    const int files[] = {-1, fd.get()};
    ASSERT_EQ(aura_register_files(e(), files, 2), 0);
    ASSERT_TRUE(start(AURA_FIXED_FILE | 1));
    EXPECT_EQ(finish(engine, done), GetParam().result);
}

TEST_P(CFileForms, TakesAnEntryOfATable) {
    const int files[] = {-1, fd.get()};
    ASSERT_EQ(aura_register_files(e(), files, 2), 0);
    EXPECT_EQ(aura_get_fixed_file(e(), 1), aura_get_fixed_file(e(), 0) + 1);
    ASSERT_TRUE(start(aura_get_fixed_file(e(), 1)));
    EXPECT_EQ(finish(engine, done), GetParam().result);
}

TEST_P(CFileForms, Refuses) {
    refuses(EBADF, [&] { return start(-1); });
    refuses(EBADF, [&] { return start(-65536); });
    refuses(ENOENT, [&] { return start(-65537); });
    refuses(ENOENT, [&] { return start(AURA_FIXED_FILE | 0); });
    const int files[] = {-1, fd.get()};
    ASSERT_EQ(aura_register_files(e(), files, 2), 0);
    const int of_a_table_that_is_gone = aura_get_fixed_file(e(), 1);
    ASSERT_EQ(aura_unregister(e(), AURA_REG_FILES), 0);
    refuses(ENOENT, [&] { return start(of_a_table_that_is_gone); });
    ASSERT_EQ(aura_register_files(e(), files, 2), 0);
    refuses(EBADF, [&] { return start(AURA_FIXED_FILE | 0); });
    refuses(EINVAL, [&] { return start(AURA_FIXED_FILE | 2); });
    refuses(EBADF, [&] { return start(AURA_FIXED_FILE | -1); });
    refuses(EBADF, [&] { return start(aura_get_fixed_file(e(), 0)); });
    refuses(ENOENT, [&] { return start(aura_get_fixed_file(e(), 0) + 2); });
    refuses(ENOENT, [&] { return start(aura_get_fixed_file(e(), 0) - 1); });
    EXPECT_EQ(aura_drain(e(), 0), 0);
    EXPECT_EQ(done.calls, 0);
}

INSTANTIATE_TEST_SUITE_P(Forms, CFileForms, testing::ValuesIn(forms),
                         [](const auto& form) { return std::string(form.param.name); });
