// registrations: who starts a request, and what it may refer to.
#include "auraio/core/registered/registrations.hpp"

#include "auraio/core/loop/engine.hpp"

#include <bit>
#include <cerrno>

namespace aura::core {

namespace {

constexpr unsigned frame_bits = 21; // arenas of a buffer_pool begin at multiples of 2 MiB and are as long

std::uint64_t frame_of(const void* address) noexcept {
    return reinterpret_cast<std::uintptr_t>(address) >> frame_bits;
}
/// Fibonacci hashing: Knuth, The Art of Computer Programming 3, 6.4.
std::size_t hash_of(std::uint64_t frame) noexcept {
    return static_cast<std::size_t>((frame * 0x9e3779b97f4a7c15u) >> 32);
}

} // namespace

std::uint32_t registrations::next_number() noexcept {
    // Of the process: a table of another engine is not taken for one of this. Relaxed: the numbers only have
    // to differ.
    static std::atomic<std::uint32_t> last{0};
    return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

/// The first of `count` names in a row.
std::uint32_t registrations::next_names(std::size_t count) noexcept {
    static std::atomic<std::uint32_t> next{unnamed_files}; // relaxed: as above
    std::uint32_t first = next.load(std::memory_order_relaxed);
    for (;;) {
        const std::uint32_t begin = count <= end_of_names - first ? first : unnamed_files;
        const auto end = static_cast<std::uint32_t>(begin + count);
        if (next.compare_exchange_weak(first, end, std::memory_order_relaxed))
            return begin;
    }
}

void registrations::publish_arenas(std::span<const iovec> arenas) {
    has_arenas_.store(!arenas.empty(), std::memory_order_relaxed);
    if (arenas.empty()) {
        frames_.prepare(0);
        return;
    }
    const std::size_t size = std::bit_ceil(2 * arenas.size());
    frames_.prepare(size);
    for (std::size_t i = 0; i < size; ++i)
        frames_[i].store(0, std::memory_order_relaxed);
    for (std::size_t i = 0; i < arenas.size(); ++i) {
        const std::uint64_t frame = frame_of(arenas[i].iov_base);
        if (frame == 0)
            continue; // an entry without an arena
        std::size_t at = hash_of(frame) & (size - 1);
        while (frames_[at].load(std::memory_order_relaxed) != 0)
            at = (at + 1) & (size - 1);
        frames_[at].store(frame << 16 | i, std::memory_order_relaxed);
    }
    frames_.publish(size);
}

/// Whether `r` may refer to what is registered now, and notes which registration that is.
int registrations::check(request_extension& x, registration_kind k) const noexcept {
    const auto& published = resources_[static_cast<std::size_t>(k)].published;
    const registration_epoch epoch(published.load(std::memory_order_acquire));
    x.registrations[static_cast<std::size_t>(k)] = epoch.number();
    switch (epoch.stage()) {
    case registration_stage::registered:
        return 0;
    case registration_stage::draining:
        return -EBUSY;
    case registration_stage::unregistered:
        break;
    }
    return -ENOENT;
}

int registrations::use_buffer(request_parts r, std::size_t index, std::size_t offset) const noexcept {
    if (const int refused = check(r.extension, registration_kind::buffers))
        return refused;
    const buffer* b = buffers_.find(index);
    if (!b)
        return -EINVAL;
    // When the table is replaced meanwhile this may mix two of them: admit() refuses the request then.
    if (const int error = check_fixed_range(b->size.load(std::memory_order_relaxed), offset, r.shared.length))
        return error;
    // NOLINTNEXTLINE(performance-no-int-to-ptr): kept as a number, so that it can be atomic with no cast
    r.shared.address = reinterpret_cast<const void*>(b->address.load(std::memory_order_relaxed) + offset);
    r.shared.buffer_index = static_cast<std::uint16_t>(index);
    r.shared.registered |= registered_buffer;
    return 0;
}

std::uint32_t registrations::name_of_file(std::size_t index) const noexcept {
    const auto& published = resources_[static_cast<std::size_t>(registration_kind::files)].published;
    const registration_epoch epoch(published.load(std::memory_order_acquire));
    if (epoch.stage() == registration_stage::unregistered || !files_.find(index))
        return 0;
    return first_file_name_.load(std::memory_order_relaxed) + static_cast<std::uint32_t>(index);
}

int registrations::use_named_file(request_parts r, std::uint32_t name) const noexcept {
    if (name < unnamed_files)
        return use_file(r, name);
    const int refused = check(r.extension, registration_kind::files);
    // What check() has noted is what admit() compares, so that the table cannot be replaced in between.
    const std::uint32_t index = name - first_file_name_.load(std::memory_order_relaxed);
    if (refused == -ENOENT || index >= unnamed_files || !files_.find(index))
        return -ENOENT; // of another table
    return refused != 0 ? refused : use_entry(r, index);
}

int registrations::use_file(request_parts r, std::size_t index) const noexcept {
    const int refused = check(r.extension, registration_kind::files);
    return refused != 0 ? refused : use_entry(r, index);
}

/// check() has let it through.
int registrations::use_entry(request_parts r, std::size_t index) const noexcept {
    const file_entry* entry = files_.find(index);
    if (!entry)
        return -EINVAL;
    // Before the number: should it change meanwhile, the request ends with EBADF.
    r.extension.generation = entry->generation.load(std::memory_order_acquire);
    if (entry->fd.load(std::memory_order_relaxed) < 0)
        return -EBADF;
    r.shared.fd = static_cast<std::int32_t>(index);
    r.shared.registered |= registered_file;
    return 0;
}

/// Of a request that names a buffer and its memory: whether the one lies in the other.
int registrations::check_buffer(request_parts r) const noexcept {
    if (const int refused = check(r.extension, registration_kind::buffers))
        return refused;
    const buffer* b = buffers_.find(r.shared.buffer_index);
    if (!b)
        return -EINVAL;
    const auto address = reinterpret_cast<std::uintptr_t>(r.shared.address);
    const std::uintptr_t start = b->address.load(std::memory_order_relaxed);
    if (address < start)
        return -EOVERFLOW;
    return check_fixed_range(b->size.load(std::memory_order_relaxed), address - start, r.shared.length);
}

/// A buffer of a registered arena becomes a registered buffer.
bool registrations::find_arena(request_parts r) const noexcept {
    const std::uint64_t frame = frame_of(r.shared.address);
    const std::atomic<std::uint64_t>* entry = nullptr;
    for (std::size_t at = hash_of(frame);; ++at) {
        at &= frames_.size() - 1; // 0: the loop ends, nothing is found there
        entry = frames_.find(at);
        if (!entry)
            return false;
        const std::uint64_t found = entry->load(std::memory_order_relaxed);
        if (found == 0)
            return false;
        if (found >> 16 == frame) {
            r.shared.buffer_index = static_cast<std::uint16_t>(found);
            break;
        }
    }
    return check_buffer(r) == 0;
}

/// The entry of a file object stands for the file as long as it holds the file's number.
bool registrations::use_slot(request_parts r, int slot) const noexcept {
    if (!transfers_file_data(r.shared.kind))
        return false;
    const int number = r.shared.fd;
    const auto index = static_cast<std::size_t>(slot);
    const file_entry* entry = files_.find(index);
    if (!entry || entry->fd.load(std::memory_order_relaxed) != number || use_file(r, index) != 0)
        return false;
    r.extension.number = number; // for when the registration has ended before the request arrives
    return true;
}

int registrations::refer(shard& home, request_parts r, int slot) {
    if ((r.shared.registered & registered_buffer) != 0) {
        if (const int refused = check_buffer(r))
            return refused;
        if (const int refused = enlist(home, registration_kind::buffers))
            return refused;
    } else if (has_arenas() &&
               (r.shared.kind == request_kind::read || r.shared.kind == request_kind::write) &&
               find_arena(r) && enlist(home, registration_kind::buffers) == 0) {
        r.shared.registered |= registered_buffer | found_buffer;
    }
    if (slot >= 0 && use_slot(r, slot) && enlist(home, registration_kind::files) != 0) {
        r.shared.registered &= static_cast<std::uint8_t>(~registered_file);
        r.shared.fd = r.extension.number;
    }
    return 0;
}

int registrations::enlist(shard& home, const short_request& r) {
    int error = 0;
    if ((r.registered & registered_buffer) != 0)
        error = enlist(home, registration_kind::buffers);
    if (error == 0 && (r.registered & registered_file) != 0)
        error = enlist(home, registration_kind::files);
    return error;
}

int registrations::enlist(shard& home, registration_kind k) {
    ring_side& side = side_of(home, k);
    if (side.attached_.load(std::memory_order_relaxed)) [[likely]]
        return 0;
    std::lock_guard guard(mutex_);
    if (const int refused = of(k).state.attach(home.index()))
        return refused;
    // Release: admit() sees what was published before the mutex was taken.
    side.attached_.store(true, std::memory_order_release);
    return 0;
}

} // namespace aura::core
