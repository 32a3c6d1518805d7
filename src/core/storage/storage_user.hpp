// storage_user: what one context wants of storage devices, and which ones it uses.
#pragma once

#include "core/storage/storage_device.hpp"

#include <mutex>
#include <new>
#include <utility>
#include <vector>

namespace aura::core {

/// Settings for all devices and for single ones, which win. Any thread.
class storage_user {
public:
    storage_user() = default;
    storage_user(const storage_user&) = delete;

    /// For every device, also those used later. What was said of a single device stays.
    void set(const storage_settings& change);
    void set(storage_device& device, const storage_settings& change);

    /// A ring of the context begins to use the gate's device.
    void attach(device_gate& gate);

    /// The devices used so far.
    std::vector<device_stats> stats() const;

    /// Around fork(2).
    void lock() { mutex_.lock(); }
    void unlock() { mutex_.unlock(); }
    /// In a child that nobody was notified of: whoever held it does not exist there.
    void renew_lock() noexcept { ::new (static_cast<void*>(&mutex_)) std::mutex; }

private:
    storage_settings settings_for(const storage_device& device) const;

    mutable std::mutex mutex_; // guards everything below; a device's lock is taken while it is held
    storage_settings everywhere_;
    std::vector<std::pair<storage_device*, storage_settings>> particular_;
    std::vector<storage_device*> used_;
};

} // namespace aura::core
