// registration_state: the life cycle of registered buffers and files, over all rings of a context.
#pragma once

#include <bitset>
#include <cerrno>
#include <cstddef>
#include <cstdint>

namespace aura::core {

/// unregistered -> registered -> draining -> unregistered.
enum class registration_stage : std::uint8_t {
    unregistered, ///< fixed requests fail with ENOENT
    registered,   ///< fixed requests are accepted
    draining,     ///< fixed requests fail with EBUSY; those started before complete normally
};

/// What the context publishes to its rings: the stage, and which registration it is about. Never the same
/// twice.
class registration_epoch {
public:
    constexpr registration_epoch() noexcept = default;
    constexpr explicit registration_epoch(std::uint64_t word) noexcept
        : word_(word) {}

    constexpr registration_stage stage() const noexcept { return static_cast<registration_stage>(word_ & 3); }
    constexpr std::uint64_t word() const noexcept { return word_; }
    /// Of the registration, whatever its stage; comes again after 2^32 of them in the process.
    constexpr std::uint32_t number() const noexcept { return static_cast<std::uint32_t>(word_ >> 2); }
    constexpr bool operator==(const registration_epoch&) const noexcept = default;

    constexpr registration_epoch with(registration_stage s) const noexcept {
        return registration_epoch((word_ & ~std::uint64_t{3}) | static_cast<std::uint64_t>(s));
    }
    static constexpr registration_epoch of(std::uint32_t number, registration_stage s) noexcept {
        return registration_epoch(std::uint64_t{number} << 2).with(s);
    }
    constexpr bool same_registration(registration_epoch other) const noexcept {
        return word_ >> 2 == other.word_ >> 2;
    }

private:
    std::uint64_t word_ = 0;
};

/// The context's side. Calls are serialised by its owner (a mutex), who after each publishes epoch() to those
/// who start requests, and sends the messages it is told to.
///
/// Who starts a fixed request first attaches the ring it goes to, unless that is attached already, and then
/// hands the request to the ring. So registering costs nothing on rings that never use it, a ring that is
/// created later is no special case, and whatever was started before request_end() reaches its ring before
/// the message that ends the registration there. Each attached ring, told so, drops the registration when its
/// own fixed requests have completed (detach), and the last one ends it. Counting what is in flight is
/// thereby left to each ring alone, with no counter that rings share.
class registration_state {
public:
    static constexpr std::size_t max_rings = 512;
    using ring_set = std::bitset<max_rings>;

    registration_epoch epoch() const noexcept { return epoch_; }
    registration_stage stage() const noexcept { return epoch_.stage(); }

    /// 0, and registered; or -EBUSY: something is registered, or still draining. `number`: the
    /// registration's, which no other has had.
    int begin(std::uint32_t number) noexcept;
    int begin() noexcept { return begin(epoch_.number() + 1); }

    /// 0, and draining; -ENOENT when nothing is registered. While draining: 0 again, the caller joins those
    /// who wait. The caller tells attached() rings to drain, once, when `first` is set. When there are none,
    /// it finishes at once.
    int request_end(bool& first) noexcept;

    /// A ring is to get a fixed request: 0, and the ring counts; -ENOENT, -EBUSY.
    int attach(unsigned ring) noexcept;

    /// A ring has dropped it. True for the last one of a registration that is draining: the caller finishes.
    [[nodiscard]] bool detach(unsigned ring) noexcept;

    /// Precondition: draining, no ring attached. Unregistered from here on; those who waited are told so.
    void finish() noexcept;

    /// An entry is to be replaced: 0; -ENOENT when nothing is registered, -EBUSY while draining. The caller
    /// changes its table and the table's version, which rings look at before each request, and sends
    /// attached() rings a message so that idle ones let go of what was replaced.
    int check_update() const noexcept;

    const ring_set& attached() const noexcept { return attached_; }
    bool drained() const noexcept { return stage() == registration_stage::draining && attached_.none(); }

private:
    registration_epoch epoch_;
    ring_set attached_;
};

/// One ring's side: touched by the thread that drives the ring only.
class ring_registration {
public:
    /// A fixed request has arrived. 0: it is counted, leave() must follow. -ENOENT, -EBUSY: it was started
    /// while the registration was being ended. `attached`: what registration_state has of this ring.
    int admit(bool attached) noexcept {
        if (draining_)
            return -EBUSY;
        if (!attached)
            return -ENOENT;
        ++in_flight_;
        return 0;
    }

    /// A request that was admitted is over, its callback included. True when the ring must now drop the
    /// registration: unregister it from the kernel, tell detached(), and then registration_state::detach().
    [[nodiscard]] bool leave() noexcept { return --in_flight_ == 0 && draining_; }

    /// The context's message: the registration ends. True as for leave().
    [[nodiscard]] bool drain() noexcept {
        draining_ = true;
        return in_flight_ == 0;
    }

    /// The kernel has this ring's table, as of `version`.
    void installed(std::uint64_t version) noexcept {
        installed_ = true;
        version_ = version;
    }
    void detached() noexcept { installed_ = draining_ = false; }

    /// The ring has been replaced by one that has nothing.
    void lost() noexcept { installed_ = false; }

    bool is_installed() const noexcept { return installed_; }
    bool is_draining() const noexcept { return draining_; }
    std::uint64_t version() const noexcept { return version_; }
    std::size_t in_flight() const noexcept { return in_flight_; }

private:
    std::size_t in_flight_ = 0;
    std::uint64_t version_ = 0;
    bool installed_ = false;
    bool draining_ = false;
};

/// Whether `length` bytes at `offset` lie within a buffer of `size`: 0, or -EOVERFLOW.
constexpr int check_fixed_range(std::size_t size, std::size_t offset, std::size_t length) noexcept {
    // Not offset + length: the sum may wrap around.
    return offset > size || length > size - offset ? -EOVERFLOW : 0;
}

} // namespace aura::core
