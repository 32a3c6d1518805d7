// capi_fuzz: the bytes of an input are calls of the C library, in any order and from callbacks too. Whatever
// is called, nothing crashes, every operation that started ends exactly once, and results are ones that are
// documented.
#include "auraio/aura.h"

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <linux/stat.h>
#include <memory>
#include <poll.h>
#include <span>
#include <string>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void require(bool condition, const char* what) {
    if (condition)
        return;
    std::fprintf(stderr, "capi_fuzz: broken: %s\n", what);
    std::abort();
}

/// Hands out the bytes; zeros when there are no more.
class input {
public:
    explicit input(std::span<const std::uint8_t> bytes)
        : bytes_(bytes) {}
    bool empty() const { return bytes_.empty(); }
    unsigned byte() {
        if (bytes_.empty())
            return 0;
        const unsigned b = bytes_.front();
        bytes_ = bytes_.subspan(1);
        return b;
    }
    unsigned below(unsigned limit) { return byte() % limit; }

private:
    std::span<const std::uint8_t> bytes_;
};

/// Descriptors that operations may name, fresh for each input. None blocks for ever: what would wait is
/// cancelled.
class descriptors {
public:
    descriptors() {
        std::FILE* const file = std::tmpfile();
        require(file && ::pipe2(pipe_.data(), O_CLOEXEC) == 0, "descriptors");
        file_ = ::dup(::fileno(file));
        std::fclose(file);
        require(::ftruncate(file_, 8192) == 0, "ftruncate");
        require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair_.data()) == 0, "socketpair");
        listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un nameless{};
        nameless.sun_family = AF_UNIX; // "autobind": an abstract address of the kernel's choice
        require(::bind(listener_, reinterpret_cast<sockaddr*>(&nameless), sizeof(sa_family_t)) == 0 &&
                    ::listen(listener_, 4) == 0,
                "listener");
    }
    ~descriptors() {
        for (const int fd : {file_, pipe_[0], pipe_[1], pair_[0], pair_[1], listener_})
            ::close(fd);
    }
    descriptors(const descriptors&) = delete;
    int any(input& in) const {
        const std::array all{file_, file_, pipe_[0], pipe_[1], pair_[0], pair_[1], listener_, -1, 1 << 20};
        return all[in.below(all.size())];
    }

private:
    int file_ = -1;
    std::array<int, 2> pipe_{-1, -1};
    std::array<int, 2> pair_{-1, -1};
    int listener_ = -1;
};

class world;

/// One operation that was started.
struct operation {
    world* owner = nullptr;
    aura_request_t* request = nullptr;
    int calls = 0;
    bool opens = false;        // its result is a descriptor
    bool acts = false;         // its callback makes calls
    std::array<char, 64> data; // its buffer, its own until the end
    iovec vectors[2];
    struct statx status;
    msghdr message{};
};

class world {
public:
    explicit world(input& in)
        : in_(in) {
        aura_options_t options;
        aura_options_init(&options);
        options.ring_count = 1 + static_cast<int>(in.below(3));
        options.ring_select = static_cast<int>(in.below(4));
        options.queue_depth = 8 << in.below(3);
        engine_ = aura_create_with_options(&options);
        require(engine_ != nullptr, "aura_create_with_options");
    }
    ~world() {
        for (void* const b : buffers_)
            aura_buffer_free(engine_, b);
        require(aura_destroy(engine_) == 0, "aura_destroy");
        for (const auto& o : operations_)
            require(o->calls == 1, "an operation that started ended once");
    }
    world(const world&) = delete;

    void act() {
        switch (in_.below(16)) {
        case 0:
            return run(aura_poll(engine_));
        case 1:
            return run(aura_wait(engine_, static_cast<int>(in_.below(2))));
        case 2:
            return run(aura_drain(engine_, 0));
        case 3:
            return require(aura_flush(engine_) == 0, "aura_flush");
        case 4:
            return cancel();
        case 5:
            return introspect();
        case 6:
            return memory();
        case 7:
            return require(aura_get_poll_fd(engine_) >= 0, "aura_get_poll_fd");
        case 8:
            return statistics();
        case 9:
            return link();
        case 10:
            return nonsense();
        case 11:
            return in_.below(2) == 0 ? registration() : unregistration();
        case 12:
            return storage();
        default:
            return start();
        }
    }

private:
    static constexpr std::size_t most = 500;

    static void on_end(aura_request_t* request, ssize_t result, void* user_data) {
        auto& o = *static_cast<operation*>(user_data);
        require(++o.calls == 1, "a callback is called once");
        require(o.request == nullptr || o.request == request, "a callback gets its own handle");
        require(!aura_request_pending(request), "an operation has ended in its callback");
        require(aura_request_user_data(request) == user_data, "user_data can be asked for in the callback");
        require(result >= -4095, "a result is an errno at worst");
        require(aura_in_callback_context(), "a callback knows that it is one");
        if (o.opens && result >= 0)
            ::close(static_cast<int>(result));
        if (o.acts && ++o.owner->depth_ < 8)
            o.owner->act();
    }

    /// What runs callbacks: an error only in a callback, or for lack of time.
    void run(int result) {
        const bool inside = aura_in_callback_context();
        require(inside ? result == -EDEADLK : result >= 0 || result == -ETIMEDOUT, "the result of a turn");
        if (!inside)
            depth_ = 0;
    }

    operation& fresh() {
        auto o = std::make_unique<operation>();
        o->owner = this;
        o->acts = in_.below(4) == 0;
        o->vectors[0] = {o->data.data(), 16};
        o->vectors[1] = {o->data.data() + 16, in_.below(48)};
        operations_.push_back(std::move(o));
        return *operations_.back();
    }

    void start() {
        if (operations_.size() >= most)
            return;
        operation& o = fresh();
        const int fd = fds_.any(in_);
        const auto offset = static_cast<off_t>(in_.byte()) * 37 - 40;
        errno = 0;
        o.request = start_some(o, fd, offset);
        if (!o.request) {
            require(errno == EINVAL || errno == EBADF || errno == ESHUTDOWN || errno == ENOENT ||
                        errno == EBUSY || errno == EOVERFLOW,
                    "why nothing was started");
            require(o.calls == 0, "what was not started has no callback");
            operations_.pop_back();
        }
    }

    aura_request_t* start_some(operation& o, int fd, off_t offset) {
        char* const data = o.data.data();
        const unsigned len = in_.below(65);
        switch (in_.below(21)) {
        case 0:
            return aura_read(engine_, fd, aura_buf(data), len, offset, on_end, &o);
        case 1:
            return aura_write(engine_, fd, aura_buf(data), len, offset, on_end, &o);
        case 2:
            return aura_readv(engine_, fd, o.vectors, 2, offset, on_end, &o);
        case 3:
            return aura_writev(engine_, fd, o.vectors, static_cast<int>(in_.below(3)), offset, on_end, &o);
        case 4:
            return aura_fsync(engine_, fd, on_end, &o);
        case 5:
            return aura_fdatasync(engine_, fd, on_end, &o);
        case 6:
            o.opens = true;
            return aura_openat(engine_, AT_FDCWD, in_.below(2) ? "/dev/null" : "/nowhere/at/all", O_CLOEXEC,
                               0, on_end, &o);
        case 7:
            return aura_statx(engine_, AT_FDCWD, "/", 0, STATX_BASIC_STATS, &o.status, on_end, &o);
        case 8:
            return aura_fallocate(engine_, fd, 0, offset, len, on_end, &o);
        case 9:
            return aura_ftruncate(engine_, fd, offset, on_end, &o);
        case 10:
            return aura_recv(engine_, fd, data, len, static_cast<int>(in_.below(2)) * MSG_DONTWAIT, on_end,
                             &o);
        case 11:
            return aura_send(engine_, fd, data, len, MSG_NOSIGNAL, on_end, &o);
        case 12:
            o.opens = true;
            return aura_accept(engine_, fd, nullptr, nullptr, SOCK_CLOEXEC, on_end, &o);
        case 13:
            return aura_read(engine_, AURA_FIXED_FILE | static_cast<int>(in_.below(5)), aura_buf(data), len,
                             offset, on_end, &o);
        case 14:
            return aura_write(engine_, fd, aura_buf_fixed(static_cast<int>(in_.below(4)), in_.byte()), len,
                              offset, on_end, &o);
        case 15:
            return aura_read(engine_, AURA_FIXED_FILE | static_cast<int>(in_.below(5)),
                             aura_buf_fixed(static_cast<int>(in_.below(4)), in_.byte()), len, offset, on_end,
                             &o);
        case 16:
            return aura_poll_fd(engine_, fd, in_.below(2) ? POLLIN : POLLOUT, on_end, &o);
        case 17:
            o.message.msg_iov = o.vectors;
            o.message.msg_iovlen = 2;
            return aura_recvmsg(engine_, fd, &o.message, 0, on_end, &o);
        case 18:
            o.message.msg_iov = o.vectors;
            o.message.msg_iovlen = in_.below(3);
            return aura_sendmsg(engine_, fd, &o.message, MSG_NOSIGNAL, on_end, &o);
        case 19:
            if (in_.below(2) == 0)
                return aura_mkdirat(engine_, AT_FDCWD, "/nowhere/at/all", 0700, on_end, &o);
            return aura_renameat(engine_, AT_FDCWD, "/nowhere/at/all", fd, "/nowhere/else", 0, on_end, &o);
        case 20:
            return aura_unlinkat(engine_, fd, "/nowhere/at/all", 0, on_end, &o);
        default:
            return aura_timeout(engine_, std::uint64_t{in_.byte()} * 5000, on_end, &o);
        }
    }

    void link() {
        if (operations_.size() >= most)
            return;
        const std::size_t before = operations_.size();
        const unsigned count = in_.below(4);
        std::vector<aura_op_t> described;
        for (unsigned i = 0; i < count; ++i) {
            operation& o = fresh();
            o.acts = false; // their handles are known later
            const int fd = fds_.any(in_);
            switch (in_.below(4)) {
            case 0:
                described.push_back(aura_op_read(fd, aura_buf(o.data.data()), in_.below(65), 0, on_end, &o));
                break;
            case 1:
                described.push_back(aura_op_writev(fd, o.vectors, 2, 0, on_end, &o));
                break;
            case 2:
                described.push_back(aura_op_ftruncate(fd, in_.byte(), on_end, &o));
                break;
            default:
                described.push_back(aura_op_fdatasync(fd, on_end, &o));
            }
        }
        std::array<aura_request_t*, 4> handles{};
        errno = 0;
        if (aura_submit_linked(engine_, described.data(), count, handles.data())) {
            for (std::size_t i = 0; i < count; ++i)
                operations_[before + i]->request = handles[i];
        } else {
            require(errno == EINVAL || errno == EBADF || errno == ESHUTDOWN, "why no chain was started");
            operations_.resize(before);
        }
    }

    operation* any() {
        return operations_.empty() ? nullptr : operations_[in_.byte() % operations_.size()].get();
    }

    void cancel() {
        if (const operation* o = any()) {
            const int result = aura_cancel(engine_, o->request);
            require(result == 0 || result == -ENOENT || (!o->request && result == -EINVAL), "aura_cancel");
            require(result == -ENOENT || o->calls <= 1, "what has ended cannot be cancelled");
        }
    }

    void introspect() {
        if (const operation* o = any()) {
            (void)aura_request_pending(o->request);
            (void)aura_request_fd(o->request);
            const int type = aura_request_op_type(o->request);
            require(type >= -1 && type <= AURA_OP_POLL, "aura_request_op_type");
            const void* const user_data = aura_request_user_data(o->request);
            require(!user_data || user_data == o, "aura_request_user_data");
        }
    }

    void memory() {
        if (in_.below(2) == 0 && !buffers_.empty()) {
            aura_buffer_free(engine_, buffers_.back());
            buffers_.pop_back();
        } else if (buffers_.size() < 64) {
            const std::size_t size = 1 + std::size_t{in_.byte()} * 100;
            auto* const b = static_cast<char*>(aura_buffer_alloc(engine_, size));
            require(b && reinterpret_cast<std::uintptr_t>(b) % 4096 == 0, "aura_buffer_alloc");
            b[0] = b[size - 1] = 1;
            buffers_.push_back(b);
        }
    }

    void statistics() {
        aura_stats_t s{};
        s.struct_size = sizeof s;
        require(aura_get_stats(engine_, &s) == 0 && s.submitted >= s.completed, "aura_get_stats");
        const int ring = static_cast<int>(in_.below(4));
        require((aura_get_ring_stats(engine_, ring, &s) == 0) == (ring < aura_get_ring_count(engine_)),
                "aura_get_ring_stats");
    }

    void registration() {
        const std::array<iovec, 2> memory{iovec{fixed_[0].data(), fixed_[0].size()},
                                          iovec{fixed_[1].data(), fixed_[1].size()}};
        const std::array files{fds_.any(in_), fds_.any(in_), -1};
        int result = 0;
        switch (in_.below(3)) {
        case 0:
            result = aura_register_buffers(engine_, memory.data(), 1 + in_.below(2));
            require(result == 0 || result == -EBUSY, "aura_register_buffers");
            return;
        case 1:
            result = aura_register_files(engine_, files.data(), 1 + in_.below(3));
            require(result == 0 || result == -EBUSY || result == -EBADF, "aura_register_files");
            return;
        default:
            result = aura_update_file(engine_, static_cast<int>(in_.below(4)), fds_.any(in_));
            require(result == 0 || result == -ENOENT || result == -EBUSY || result == -EINVAL ||
                        result == -EBADF,
                    "aura_update_file");
        }
    }

    /// Not aura_unregister() outside of callbacks: it would wait for what nobody ends.
    void unregistration() {
        const auto type = in_.below(2) == 0 ? AURA_REG_BUFFERS : AURA_REG_FILES;
        int result = 0;
        if (aura_in_callback_context()) {
            result = aura_unregister(engine_, type);
        } else if (operations_.size() < most) {
            operation& o = fresh();
            result = aura_unregister_async(engine_, type, on_end, &o);
            if (result != 0) {
                require(o.calls == 0, "what was not started has no callback");
                operations_.pop_back();
            }
        }
        require(result == 0 || result == -ENOENT, "an unregistration");
    }

    void storage() {
        aura_storage_t s;
        aura_storage_init(&s);
        s.max_in_flight = static_cast<int>(in_.below(3));
        s.adaptive = static_cast<int>(in_.below(3)) - 1;
        require(aura_set_storage(engine_, in_.below(2) == 0 ? nullptr : "/", &s) == 0, "aura_set_storage");
        require(aura_set_batch_threshold(engine_, in_.below(4)) == 0, "aura_set_batch_threshold");
        aura_device_stats_t device{};
        device.struct_size = sizeof device;
        const int result = aura_get_device_stats(engine_, static_cast<int>(in_.below(2)), &device);
        require(result == 0 ? aura_phase_name(device.phase) != nullptr : result == -ENOENT,
                "aura_get_device_stats");
    }

    void nonsense() {
        const int fd = fds_.any(in_);
        char byte = 0;
        require(!aura_read(nullptr, fd, aura_buf(&byte), 1, 0, nullptr, nullptr), "a read without an engine");
        require(!aura_readv(engine_, fd, nullptr, 1, 0, nullptr, nullptr), "a read without vectors");
        require(!aura_openat(engine_, fd, nullptr, 0, 0, nullptr, nullptr), "an open without a path");
        require(!aura_submit_linked(engine_, nullptr, 1, nullptr), "a chain without operations");
        require(aura_cancel(engine_, nullptr) == -EINVAL, "a cancellation of nothing");
        require(aura_cancel(engine_, reinterpret_cast<aura_request_t*>(std::uintptr_t{in_.byte()}
                                                                       << in_.below(56))) < 1,
                "a cancellation of what never was");
        if (aura_in_callback_context())
            require(aura_destroy(engine_) == -EDEADLK, "the end in a callback");
    }

    input& in_;
    descriptors fds_;
    aura_engine_t* engine_ = nullptr;
    int depth_ = 0; // calls made by callbacks since the last turn
    std::vector<std::unique_ptr<operation>> operations_;
    std::vector<void*> buffers_;
    std::array<std::array<char, 300>, 2> fixed_{}; // registered, now and then
};

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    input in({data, size});
    world w(in);
    while (!in.empty())
        w.act();
    return 0;
}
