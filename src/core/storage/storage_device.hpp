// storage_device: a device as all rings of the process share it: the lock around its controller, and the
// registry that finds it.
#pragma once

#include "auraio/core/stats/latency_histogram.hpp"
#include "auraio/core/storage/block_device.hpp"
#include "auraio/core/storage/device_stats.hpp"
#include "auraio/core/storage/storage_settings.hpp"
#include "core/control/background_share.hpp"
#include "core/control/device_controller.hpp"

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace aura::core {

class device_gate;

/// When a ring last ticked. Written by the ring, read by whoever ticks or leaves and holds the device's lock.
/// Relaxed: only its value counts, it publishes nothing.
class last_tick {
public:
    void set(nanoseconds_t now) noexcept { at_.store(now, std::memory_order_relaxed); }
    void clear() noexcept { set(0); }

    /// The ring has something at the device, or looks after it.
    bool ticks() const noexcept { return at_.load(std::memory_order_relaxed) != 0; }
    /// It has missed its ticks: its context is stopped, or a handler does not return.
    bool overdue(nanoseconds_t now) const noexcept {
        const nanoseconds_t at = at_.load(std::memory_order_relaxed);
        return at != 0 && now > at && now - at > patience;
    }

private:
    // Some 20 ticks: a thread that was merely not scheduled for a moment keeps its share.
    static constexpr nanoseconds_t patience = 250'000'000;
    std::atomic<nanoseconds_t> at_{0}; // 0: does not tick
};

/// One for each device number the process has used, created on first use, and there until the process ends:
/// what was learnt about a device outlives the contexts that used it. Members may be called from any thread.
/// No operation ever takes the lock; a tick that finds it taken does not happen.
class storage_device {
public:
    static constexpr nanoseconds_t tick_interval = controller_options{}.tick;

    /// The device that holds an open file; null when it is neither a regular file nor a block device, and
    /// while there are no descriptors to find out.
    static storage_device* of_file(int fd);
    /// The device behind a number. 0, or -EMFILE, -ENFILE, -ENOMEM: it cannot be found out just now.
    static int find(device_id id, storage_device*& found);

    explicit storage_device(device_id id);
    storage_device(const storage_device&) = delete;

    device_id id() const noexcept { return id_; }
    const std::string& name() const noexcept { return name_; }

    /// A ring begins, or ends, to use the device, on behalf of `owner`. With the last one that ticks the gate
    /// opens.
    void attach(device_gate& gate, const void* owner, const storage_settings& settings);
    void detach(device_gate& gate) noexcept;

    /// For an owner that has a ring here.
    void apply(const void* owner, const storage_settings& settings);

    /// What a ring's tick is followed by.
    enum class after_tick : std::uint8_t {
        go_on,
        stop, ///< the caller ticks no more: the device is at rest, or others look after it
    };
    /// A ring looks after the device while it has something there. Every ring that does calls this on time of
    /// its own, so that none depends on another's thread; the first of them does the work.
    after_tick tick(device_gate& caller, nanoseconds_t now) noexcept;

    /// What the foreground does on all rings that look after the device; nothing when it cannot be told just now.
    /// For a ring with operations of the background, every millisecond at most: it takes the lock if that is free.
    std::optional<foreground_activity> look_at_foreground(nanoseconds_t now) noexcept;

    /// A ring whose share is 0, and which has nothing in flight, has something that waits.
    void reshare() noexcept;

    /// A ring may not use the share it has, and nothing of it is in flight: it goes to those that wait. False: it
    /// could not be just now.
    bool give_back(const device_gate& caller) noexcept;

    device_stats stats() const;

    /// Around fork(2), for the registry.
    void lock() { mutex_.lock(); }
    void unlock() { mutex_.unlock(); }

private:
    void run_controller(nanoseconds_t now) noexcept;
    bool looked_after(nanoseconds_t now, const device_gate* besides) const noexcept;
    void note_absences(nanoseconds_t now) noexcept;
    void restart_latencies() noexcept;
    void rest() noexcept;
    void measure_rate(nanoseconds_t now) noexcept;
    latency_sample take_samples() noexcept;
    void tell_rings(const device_gate* except) noexcept;
    void apply_locked(const void* owner, const storage_settings& settings);

    const device_id id_;
    const std::string name_;
    mutable std::mutex mutex_; // guards everything below
    device_controller controller_;
    struct member {
        device_gate* gate;
        const void* owner;
    };
    std::vector<member> members_;
    nanoseconds_t next_tick_ = 0;
    bool asleep_ = true; // the controller needs no tick

    latency_histogram latencies_;
    latency_snapshot before_; // what is in latencies_ and no longer counts
    bool restarted_ = false;
    latency_sample latency_; // as of the last tick
    nanoseconds_t rate_since_ = 0;
    std::uint64_t rate_completed_ = 0;
    double rate_ = 0;
};

} // namespace aura::core
