// storage_user: settings on their way to devices.
#include "core/storage/storage_user.hpp"

#include "core/storage/device_gate.hpp"

#include <algorithm>

namespace aura::core {

void storage_user::set(const storage_settings& change) {
    std::lock_guard guard(mutex_);
    everywhere_.merge(change);
    for (storage_device* device : used_)
        device->apply(this, settings_for(*device));
}

void storage_user::set(storage_device& device, const storage_settings& change) {
    std::lock_guard guard(mutex_);
    const auto known = std::find_if(particular_.begin(), particular_.end(),
                                    [&](const auto& entry) { return entry.first == &device; });
    if (known == particular_.end())
        particular_.emplace_back(&device, change);
    else
        known->second.merge(change);
    device.apply(this, settings_for(device));
}

void storage_user::attach(device_gate& gate) {
    std::lock_guard guard(mutex_);
    storage_device& device = gate.device();
    if (std::find(used_.begin(), used_.end(), &device) == used_.end())
        used_.push_back(&device);
    device.attach(gate, this, settings_for(device));
}

std::vector<device_stats> storage_user::stats() const {
    std::lock_guard guard(mutex_);
    std::vector<device_stats> all;
    all.reserve(used_.size());
    for (const storage_device* device : used_)
        all.push_back(device->stats());
    return all;
}

storage_settings storage_user::settings_for(const storage_device& device) const {
    storage_settings settings = everywhere_;
    for (const auto& [particular, more] : particular_)
        if (particular == &device)
            settings.merge(more);
    return settings;
}

} // namespace aura::core
