// registrations: tables, and what the user, the rings and the kernel do with them.
#include "auraio/core/registrations.hpp"

#include "auraio/core/engine.hpp"

#include <cerrno>
#include <utility>

namespace aura::core {

registrations::ring_side& registrations::side_of(shard& home, registration_kind k) noexcept {
    return home.registered_[static_cast<std::size_t>(k)];
}

// ---- the user ----

int registrations::begin(registration_kind k, std::unique_ptr<registration_source> source) {
    resource& r = of(k);
    if (const int refused = r.state.begin())
        return refused;
    r.source = std::move(source);
    r.published.store(r.state.epoch().word(), std::memory_order_release);
    return 0;
}

int registrations::register_buffers(std::span<const iovec> buffers) {
    if (buffers.empty())
        return -EINVAL;
    std::lock_guard guard(mutex_);
    if (of(registration_kind::buffers).state.stage() != registration_stage::unregistered)
        return -EBUSY;
    std::vector<iovec> copy(buffers.begin(), buffers.end());
    auto source = owner_.make_registration_source();
    if (source)
        if (const int error = source->register_buffers(copy))
            return error;
    buffers_.prepare(copy.size());
    for (std::size_t i = 0; i < copy.size(); ++i) {
        buffers_[i].address.store(reinterpret_cast<std::uintptr_t>(copy[i].iov_base),
                                  std::memory_order_relaxed);
        buffers_[i].size.store(copy[i].iov_len, std::memory_order_relaxed);
    }
    buffers_.publish(copy.size());
    iovecs_ = std::move(copy);
    return begin(registration_kind::buffers, std::move(source));
}

int registrations::register_files(std::span<const int> fds) {
    if (fds.empty())
        return -EINVAL;
    std::lock_guard guard(mutex_);
    if (of(registration_kind::files).state.stage() != registration_stage::unregistered)
        return -EBUSY;
    std::vector<int> copy(fds.begin(), fds.end());
    auto source = owner_.make_registration_source();
    if (source)
        if (const int error = source->register_files(copy))
            return error;
    files_.prepare(copy.size());
    for (std::size_t i = 0; i < copy.size(); ++i)
        files_[i].store(copy[i], std::memory_order_relaxed);
    files_.publish(copy.size());
    fds_ = std::move(copy);
    return begin(registration_kind::files, std::move(source));
}

int registrations::update_file(std::size_t index, int fd) {
    registration_state::ring_set told;
    {
        std::lock_guard guard(mutex_);
        resource& r = of(registration_kind::files);
        if (const int refused = r.state.check_update())
            return refused;
        if (index >= fds_.size() || fd < -1)
            return index >= fds_.size() ? -EINVAL : -EBADF;
        if (r.source)
            if (const int error = r.source->update_file(static_cast<unsigned>(index), fd))
                return error;
        fds_[index] = fd;
        files_[index].store(fd, std::memory_order_relaxed);
        const std::uint64_t version = file_version_.load(std::memory_order_relaxed);
        changed_[version % changed_.size()] = static_cast<unsigned>(index);
        file_version_.store(version + 1, std::memory_order_release);
        told = r.state.attached();
    }
    for (unsigned i = 0; told.any(); ++i) {
        if (!told.test(i))
            continue;
        told.reset(i);
        shard& s = owner_.shard_at(i);
        ring_side& side = side_of(s, registration_kind::files);
        if (!side.update_sent_.exchange(true, std::memory_order_acq_rel))
            s.send(side.update_);
    }
    return 0;
}

int registrations::request_end(registration_kind kind, operation& waiter, shard& home) {
    registration_state::ring_set told;
    std::vector<waiting> ended;
    {
        std::lock_guard guard(mutex_);
        resource& r = of(kind);
        r.waiters.reserve(r.waiters.size() + 1);
        bool first = false;
        if (const int refused = r.state.request_end(first))
            return refused;
        owner_.work_started();
        waiter.set_counts_remotely(true);
        r.waiters.push_back({&waiter, &home});
        r.published.store(r.state.epoch().word(), std::memory_order_release);
        if (first)
            told = r.state.attached();
        if (r.state.drained())
            finish_locked(r, ended);
    }
    for (unsigned i = 0; told.any(); ++i) {
        if (!told.test(i))
            continue;
        told.reset(i);
        shard& s = owner_.shard_at(i);
        s.send(side_of(s, kind).drain_); // attached until it has read this
    }
    for (const waiting& w : ended)
        w.home->make_ready(*w.op);
    return 0;
}

void registrations::finish_locked(resource& r, std::vector<waiting>& told) {
    r.source.reset(); // lets go of memory and files: before anybody is told
    r.state.finish();
    r.published.store(r.state.epoch().word(), std::memory_order_release);
    told.swap(r.waiters);
}

// ---- who starts a request ----

int registrations::check(registration_kind k) const noexcept {
    const auto& published = resources_[static_cast<std::size_t>(k)].published;
    switch (registration_epoch(published.load(std::memory_order_acquire)).stage()) {
    case registration_stage::registered:
        return 0;
    case registration_stage::draining:
        return -EBUSY;
    case registration_stage::unregistered:
        break;
    }
    return -ENOENT;
}

int registrations::use_buffer(io_request& r, std::size_t index, std::size_t offset) const noexcept {
    if (const int refused = check(registration_kind::buffers))
        return refused;
    const buffer* b = buffers_.find(index);
    if (!b)
        return -EINVAL;
    // When the table is replaced meanwhile this may mix two of them: the kernel has the last word (EFAULT).
    if (const int error = check_fixed_range(b->size.load(std::memory_order_relaxed), offset, r.length))
        return error;
    // NOLINTNEXTLINE(performance-no-int-to-ptr): kept as a number, so that it can be atomic with no cast
    r.address = reinterpret_cast<const void*>(b->address.load(std::memory_order_relaxed) + offset);
    r.buffer_index = static_cast<std::uint16_t>(index);
    r.registered |= registered_buffer;
    return 0;
}

int registrations::use_file(io_request& r, std::size_t index) const noexcept {
    if (const int refused = check(registration_kind::files))
        return refused;
    const std::atomic<int>* fd = files_.find(index);
    if (!fd)
        return -EINVAL;
    if (fd->load(std::memory_order_relaxed) < 0)
        return -EBADF;
    r.fd = static_cast<std::int32_t>(index);
    r.registered |= registered_file;
    return 0;
}

int registrations::enlist(shard& home, const io_request& r) {
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
    side.attached_.store(true, std::memory_order_relaxed);
    return 0;
}

// ---- a ring ----

int registrations::admit(shard& home, const io_request& r, std::uint8_t& held) {
    for (const auto k : {registration_kind::buffers, registration_kind::files}) {
        const auto bit = static_cast<std::uint8_t>(1 << static_cast<int>(k));
        if ((r.registered & bit) == 0)
            continue;
        if (const int error = admit(side_of(home, k))) {
            leave(home, std::exchange(held, std::uint8_t{0}));
            return error;
        }
        held |= bit;
    }
    return 0;
}

int registrations::admit(ring_side& side) {
    if (const int refused = side.ring_.admit(side.attached_.load(std::memory_order_relaxed)))
        return refused;
    if (!side.ring_.is_installed()) [[unlikely]] {
        const int error = install(side);
        if (error != 0)
            (void)side.ring_.leave(); // not draining: it would have been refused
        return error;
    }
    // Acquire: what changed before the request was started is seen here; see file_version_.
    if (side.kind_ == registration_kind::files &&
        side.ring_.version() != file_version_.load(std::memory_order_acquire)) [[unlikely]]
        bring_up_to_date(side);
    return 0;
}

int registrations::install(ring_side& side) {
    std::lock_guard guard(mutex_);
    backend& io = side.home_->io();
    const int error = side.kind_ == registration_kind::buffers
                          ? io.register_buffers(iovecs_, of(side.kind_).source.get())
                          : io.register_files(fds_);
    if (error == 0)
        side.ring_.installed(file_version_.load(std::memory_order_relaxed));
    return error;
}

void registrations::bring_up_to_date(ring_side& side) {
    std::lock_guard guard(mutex_);
    backend& io = side.home_->io();
    const std::uint64_t now = file_version_.load(std::memory_order_relaxed);
    std::uint64_t seen = side.ring_.version();
    const auto replace = [&](unsigned index) {
        // The descriptor may have been closed since: then there is nothing, rather than the file before.
        constexpr int nothing = -1;
        if (io.update_files(index, std::span(&fds_[index], 1)) != 0)
            io.update_files(index, std::span(&nothing, 1));
    };
    if (now - seen <= changed_.size())
        for (; seen != now; ++seen)
            replace(changed_[seen % changed_.size()]);
    else
        for (unsigned i = 0; i < fds_.size(); ++i)
            replace(i);
    side.ring_.installed(now);
}

void registrations::leave(shard& home, std::uint8_t held) {
    for (const auto k : {registration_kind::buffers, registration_kind::files})
        if ((held & 1 << static_cast<int>(k)) != 0)
            if (ring_side& side = side_of(home, k); side.ring_.leave())
                drop(side);
}

void registrations::drop(ring_side& side) {
    if (side.ring_.is_installed())
        side.home_->io().unregister(side.kind_);
    side.ring_.detached();
    std::vector<waiting> ended;
    {
        std::lock_guard guard(mutex_);
        resource& r = of(side.kind_);
        side.attached_.store(false, std::memory_order_relaxed);
        if (r.state.detach(side.home_->index()))
            finish_locked(r, ended);
    }
    for (const waiting& w : ended)
        w.home->make_ready(*w.op);
}

void registrations::ring_side::note::run(operation& base, action what) {
    auto& self = static_cast<note&>(base);
    if (what == action::arrive)
        self.read(*self.side);
}

void registrations::ring_side::on_drain(ring_side& self) {
    if (self.ring_.drain())
        self.home_->owner().registered().drop(self);
}

void registrations::ring_side::on_update(ring_side& self) {
    self.update_sent_.exchange(false, std::memory_order_acq_rel);
    if (self.ring_.is_installed())
        self.home_->owner().registered().bring_up_to_date(self);
}

} // namespace aura::core
