// registrations: the registered buffers and the registered files of one engine, over all its rings.
#pragma once

#include "auraio/core/base/published_array.hpp"
#include "auraio/core/io/backend.hpp"
#include "auraio/core/registered/registration_state.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <span>
#include <vector>

namespace aura::core {

class engine;
class shard;

/// Functions return 0 or a negated errno. See registration_state for the protocol; this adds the tables, the
/// messages, and the kernel.
class registrations {
public:
    explicit registrations(engine& owner) noexcept
        : owner_(owner) {}
    registrations(const registrations&) = delete;

    // ---- any thread ----

    /// The arrays are copied; what they name must stay as it is until the registration has ended. -EBUSY, and
    /// what the kernel says. Throws bad_alloc, and engine_error when there is no descriptor for it.
    int register_buffers(std::span<const iovec> buffers);
    int register_files(std::span<const int> fds);

    /// The same for arenas of a buffer_pool, as its pin() gives them: refer() then finds the buffers in them
    /// by their addresses.
    int register_arenas(std::span<const iovec> arenas);

    /// Requests started from now on refer to `fd` (-1: to nothing). -ENOENT, -EBUSY, -EINVAL: no such index;
    /// what the kernel says. `waiter`, unless null, completes on `home` when every ring that has the table
    /// has let go of what was there before; it counts as work from now on. On failure it is not touched.
    int update_file(std::size_t index, int fd, operation* waiter = nullptr, shard* home = nullptr);

    /// Puts `fd` into an entry that is empty, and says which, unless `slot` has it already. -ENFILE: there is
    /// none; else as update_file().
    int add_file(int fd, int slot);

    /// The owner of `fd` gives it up: empties entry `index` if that is what it holds.
    void forget_file(std::size_t index, int fd);

    /// Ends the registration when what was started before this call is over. `waiter`, an operation that
    /// waits on `home`, completes then; it counts as work from now on. -ENOENT: it is not touched.
    int request_end(registration_kind kind, operation& waiter, shard& home);

    /// Makes `r`, a read or write of r.length bytes, one into registered buffer `index` at `offset`; makes
    /// r.fd the registered file `index`. -ENOENT, -EBUSY; -EINVAL: no such index; -EOVERFLOW, -EBADF.
    int use_buffer(request_parts r, std::size_t index, std::size_t offset) const noexcept;
    int use_file(request_parts r, std::size_t index) const noexcept;
    /// The same by a name, which says the table too: -ENOENT when the file was registered in another one. A
    /// name below unnamed_files is an index of whatever is registered.
    int use_named_file(request_parts r, std::uint32_t name) const noexcept;
    /// The name of entry `index` of the table of files that is registered or draining, which no other file of
    /// the process has (until some 2^30 have been registered); 0: there is none.
    std::uint32_t name_of_file(std::size_t index) const noexcept;
    static constexpr std::uint32_t unnamed_files = 1u << 20; // more than a table may have
    static constexpr std::uint32_t end_of_names = (1u << 30) - (1u << 16);
    /// The number of a registered file; -1: there is none.
    int file_at(std::size_t index) const noexcept {
        const file_entry* entry = files_.find(index);
        return entry ? entry->fd.load(std::memory_order_relaxed) : -1;
    }

    /// Before a request that use_...() has made is handed to `home`.
    int enlist(shard& home, const short_request& r);

    /// Whether refer() might find something for a request that names nothing registered.
    bool has_arenas() const noexcept { return has_arenas_.load(std::memory_order_relaxed); }

    /// For an operation on a file object that is about to be handed to `home`: lets it use what is
    /// registered. Its request may name a buffer (registered_buffer is set, with buffer_index and address);
    /// `slot`, unless negative, is the entry of the file's own among the registered files, else its number is
    /// used. 0, or why the buffer it names cannot be had: -ENOENT, -EBUSY, -EINVAL, -EOVERFLOW.
    int refer(shard& home, request_parts r, int slot);

    // ---- the driver of the shard ----

    /// A request has arrived: what it refers to is there until leave(). `held` of the request says what.
    int admit(shard& home, request_parts r, std::uint8_t& held);
    void leave(shard& home, std::uint8_t held);

    /// A request on a registered file is about to be given to the backend, for the first time or again:
    /// whether its entry still is what it was when the request was started is looked at here, for it may have
    /// waited since. If not, it goes by the file object's own number (`by_object`), or ends with EBADF: it
    /// must not reach the file that has the entry now.
    void verify_file(shard& home, request_parts r, bool by_object);

    /// In a forked child: the shard has a new ring, which gets what requests that are to be repeated refer
    /// to.
    void install_again(shard& home);

    // ---- the engine ----

    /// There is no ring yet, and another backend than before: what sources have is had by some of it from now on.
    /// Called without locks.
    void remake_sources();

    /// No shard runs any more: operations that still wait are destroyed.
    void shutdown();
    /// Whether there has been a table, which rings may have. Relaxed: for when no shard runs any more.
    bool has_had_any() const noexcept {
        return resources_[0].published.load(std::memory_order_relaxed) != 0 ||
               resources_[1].published.load(std::memory_order_relaxed) != 0;
    }
    void before_fork() { mutex_.lock(); }
    void after_fork() { mutex_.unlock(); }
    /// In a child that nobody was notified of: whoever held it does not exist there.
    void renew_lock() noexcept { ::new (static_cast<void*>(&mutex_)) std::mutex; }
    void forget_sources() noexcept; ///< in a child

    /// What a shard has of one kind.
    class ring_side {
    public:
        ring_side() noexcept
            : drain_(*this, &on_drain)
            , update_(*this, &on_update) {}
        ring_side(const ring_side&) = delete;
        void belongs_to(shard& home, registration_kind kind) noexcept {
            home_ = &home;
            kind_ = kind;
        }

    private:
        friend class registrations;
        /// Tells the ring that something has changed.
        struct note final : operation {
            note(ring_side& s, void (*f)(ring_side&)) noexcept
                : operation(&run)
                , side(&s)
                , read(f) {
                set_message(true);
            }
            static void run(operation& base, action what);
            ring_side* side;
            void (*read)(ring_side&);
        };
        static void on_drain(ring_side& self);
        static void on_update(ring_side& self);

        shard* home_ = nullptr;
        registration_kind kind_ = registration_kind::buffers;
        ring_registration ring_; // the driver's

        // Whether registration_state has this ring. Written under the mutex. Relaxed where requests are
        // started: who reads true either is right, or reads what the ring is about to take back because the
        // registration ends, and then the ring refuses the request. Acquire in admit().
        std::atomic<bool> attached_{false};
        // A ring is attached to one registration at a time, which ends once: its note is free then.
        note drain_;
        note update_;
        // Set by who sends update_, cleared by the ring before it looks at the version. acq_rel: who finds it
        // set has changed the version before the ring looks.
        std::atomic<bool> update_sent_{false};
    };

private:
    struct buffer {
        std::atomic<std::uintptr_t> address;
        std::atomic<std::size_t> size;
    };
    struct file_entry {
        std::atomic<int> fd;
        std::atomic<std::int32_t> generation; // of what is there: changes with each replacement
    };
    struct waiting {
        operation* op;
        shard* home;
        registration_state::ring_set rings{}; // of an update: that have not heard of it
    };
    struct resource {
        registration_state state;
        std::atomic<std::uint64_t> published{0}; // state.epoch(); release: what it is about is there
        std::unique_ptr<registration_source> source;
        std::vector<waiting> waiters;
    };

    resource& of(registration_kind k) noexcept { return resources_[static_cast<std::size_t>(k)]; }
    int check(request_extension& x, registration_kind k) const noexcept;
    int use_entry(request_parts r, std::size_t index) const noexcept;
    static std::uint32_t next_number() noexcept;
    static std::uint32_t next_names(std::size_t count) noexcept;
    int enlist(shard& home, registration_kind k);
    int admit(ring_side& side, std::uint32_t registration);
    template <class Tell, class Publish>
    int begin(registration_kind k, Tell tell, Publish publish);
    int begin_buffers(std::span<const iovec> buffers, bool arenas);
    void publish_buffers(std::span<const iovec> buffers);
    void publish_arenas(std::span<const iovec> arenas);
    static void set_entry(file_entry& entry, int fd) noexcept;
    int replace_file_locked(std::size_t index, int fd);
    void note_file_locked(std::size_t index, int fd) noexcept;
    void tell_of_update(registration_state::ring_set told);
    int check_buffer(request_parts r) const noexcept;
    bool find_arena(request_parts r) const noexcept;
    bool use_slot(request_parts r, int slot) const noexcept;
    int install(ring_side& side);
    bool bring_up_to_date(ring_side& side);
    void bring_up_to_date_locked(ring_side& side);
    void leave(ring_side& side);
    void drop(ring_side& side);
    void finish_locked(resource& r, std::vector<waiting>& told);
    void heard_of_update_locked(unsigned ring) noexcept;
    void tell_updated();
    static void complete(const std::vector<waiting>& ended);

    static ring_side& side_of(shard& home, registration_kind k) noexcept;

    engine& owner_;
    std::mutex mutex_; // guards what follows; published things are written under it
    std::array<resource, 2> resources_;
    unsigned source_age_ = 0; // how often sources have been made anew
    std::vector<iovec> iovecs_;
    std::vector<int> fds_;
    published_array<buffer> buffers_;
    published_array<file_entry> files_;
    // The name of entry 0, before the epoch is published. Who reads the epoch first and then this has the
    // name of that registration or of a later one, and then the numbers of registrations differ in admit().
    std::atomic<std::uint32_t> first_file_name_{0};
    std::vector<waiting> updates_;

    // Where arenas are registered: a hash table of the 2 MiB frames of the address space that they fill, open
    // addressing, its size a power of two. An entry is frame << 16 | index, 0 when empty. The flag is
    // relaxed: who reads it too late does without registered buffers, or is refused by check().
    published_array<std::atomic<std::uint64_t>> frames_;
    std::atomic<bool> has_arenas_{false};

    // Changes of fds_ since it was registered. The last ones by index; a ring that is further behind takes
    // all of the table. Release/acquire, so that who starts a request after update_file() makes its ring
    // look.
    std::atomic<std::uint64_t> file_version_{0};
    std::array<unsigned, 64> changed_{};
};

} // namespace aura::core
