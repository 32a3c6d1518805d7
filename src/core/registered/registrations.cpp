// registrations: the life of tables, and what rings do with them.
#include "auraio/core/registered/registrations.hpp"

#include "auraio/core/loop/engine.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>
#include <new>
#include <tuple>
#include <utility>

namespace aura::core {

registrations::ring_side& registrations::side_of(shard& home, registration_kind k) noexcept {
    return home.registered_side(k);
}

// ---- the user ----

/// `tell` gives the table to a source, `publish` to those who start requests.
template <class Tell, class Publish>
int registrations::begin(registration_kind k, Tell tell, Publish publish) {
    for (;;) {
        std::unique_lock lock(mutex_);
        resource& r = of(k);
        if (r.state.stage() != registration_stage::unregistered)
            return -EBUSY;
        const unsigned age = source_age_;
        // Making it may mean another backend, which the user is told of: he may call anything then.
        lock.unlock();
        auto source = owner_.make_registration_source();
        lock.lock();
        if (age != source_age_ || r.state.stage() != registration_stage::unregistered)
            continue;
        if (source)
            if (const int error = tell(*source))
                return error;
        r.waiters.reserve(1); // so that the end of what has begun cannot fail for want of memory
        publish();
        r.source = std::move(source);
        (void)r.state.begin(next_number()); // it was asked for above
        r.published.store(r.state.epoch().word(), std::memory_order_release);
        return 0;
    }
}

void registrations::remake_sources() {
    std::lock_guard guard(mutex_);
    ++source_age_;
    for (const auto k : {registration_kind::buffers, registration_kind::files}) {
        auto& source = of(k).source;
        if (!source)
            continue;
        try {
            source = owner_.make_registration_source();
            if (source && (k == registration_kind::buffers ? source->register_buffers(iovecs_)
                                                           : source->register_files(fds_)) != 0)
                source.reset();
        } catch (const std::exception&) { // rings can do without
            source.reset();
        }
    }
}

int registrations::begin_buffers(std::span<const iovec> buffers, bool arenas) {
    if (buffers.empty())
        return -EINVAL;
    std::vector<iovec> copy(buffers.begin(), buffers.end());
    return begin(
        registration_kind::buffers, [&](registration_source& s) { return s.register_buffers(copy); },
        [&] {
            publish_buffers(copy);
            publish_arenas(arenas ? std::span<const iovec>(copy) : std::span<const iovec>());
            iovecs_ = std::move(copy);
        });
}

int registrations::register_buffers(std::span<const iovec> buffers) {
    return begin_buffers(buffers, false);
}

int registrations::register_arenas(std::span<const iovec> arenas) {
    return begin_buffers(arenas, true);
}

void registrations::publish_buffers(std::span<const iovec> buffers) {
    buffers_.prepare(buffers.size());
    for (std::size_t i = 0; i < buffers.size(); ++i) {
        buffers_[i].address.store(reinterpret_cast<std::uintptr_t>(buffers[i].iov_base),
                                  std::memory_order_relaxed);
        buffers_[i].size.store(buffers[i].iov_len, std::memory_order_relaxed);
    }
    buffers_.publish(buffers.size());
}

int registrations::register_files(std::span<const int> fds) {
    if (fds.empty())
        return -EINVAL;
    if (fds.size() > unnamed_files)
        return -EMFILE; // as the kernel says
    std::vector<int> copy(fds.begin(), fds.end());
    return begin(
        registration_kind::files, [&](registration_source& s) { return s.register_files(copy); },
        [&] {
            files_.prepare(copy.size());
            for (std::size_t i = 0; i < copy.size(); ++i)
                set_entry(files_[i], copy[i]);
            files_.publish(copy.size());
            first_file_name_.store(next_names(copy.size()), std::memory_order_relaxed);
            fds_ = std::move(copy);
        });
}

/// Whether push_back() cannot fail for want of memory.
template <class Vector>
static bool has_room_for_one(Vector& v) noexcept {
    try {
        v.reserve(v.size() + 1);
    } catch (const std::bad_alloc&) {
        return false;
    }
    return true;
}

int registrations::update_file(std::size_t index, int fd, operation* waiter, shard* home) {
    registration_state::ring_set told;
    {
        std::lock_guard guard(mutex_);
        if (const int refused = of(registration_kind::files).state.check_update())
            return refused;
        if (index >= fds_.size() || fd < -1)
            return index >= fds_.size() ? -EINVAL : -EBADF;
        if (waiter && !has_room_for_one(updates_))
            return -ENOMEM;
        if (const int error = replace_file_locked(index, fd))
            return error;
        told = of(registration_kind::files).state.attached();
        if (waiter) {
            owner_.work_started();
            waiter->set_counts_remotely(true);
            if (told.any())
                updates_.push_back({waiter, home, told});
        }
    }
    if (waiter && told.none())
        home->make_ready(*waiter);
    tell_of_update(told);
    return 0;
}

void registrations::set_entry(file_entry& entry, int fd) noexcept {
    // Release: who reads the number finds the version of the table that it came with.
    entry.fd.store(fd, std::memory_order_release);
    // Release: who has read the generation sees this number, or a later one.
    entry.generation.store(entry.generation.load(std::memory_order_relaxed) + 1, std::memory_order_release);
}

int registrations::add_file(int fd, int slot) {
    std::size_t index = 0;
    registration_state::ring_set told;
    {
        std::lock_guard guard(mutex_);
        if (const int refused = of(registration_kind::files).state.check_update())
            return refused;
        if (slot >= 0 && static_cast<std::size_t>(slot) < fds_.size() &&
            fds_[static_cast<std::size_t>(slot)] == fd)
            return slot;
        while (index < fds_.size() && fds_[index] != -1)
            ++index;
        if (index == fds_.size())
            return -ENFILE;
        if (const int error = replace_file_locked(index, fd))
            return error;
        told = of(registration_kind::files).state.attached();
    }
    tell_of_update(told);
    return static_cast<int>(index);
}

void registrations::forget_file(std::size_t index, int fd) {
    registration_state::ring_set told;
    {
        std::lock_guard guard(mutex_);
        const registration_state& state = of(registration_kind::files).state;
        // Also while it drains: a ring may get the table yet, for what was started before.
        if (state.stage() == registration_stage::unregistered || index >= fds_.size() || fds_[index] != fd)
            return;
        // A source that refuses keeps the file, but the number may be that of another one soon.
        if (replace_file_locked(index, -1) != 0)
            note_file_locked(index, -1);
        told = state.attached();
    }
    tell_of_update(told);
}

int registrations::replace_file_locked(std::size_t index, int fd) {
    if (registration_source* source = of(registration_kind::files).source.get())
        if (const int error = source->update_file(static_cast<unsigned>(index), fd))
            return error;
    note_file_locked(index, fd);
    return 0;
}

void registrations::note_file_locked(std::size_t index, int fd) noexcept {
    fds_[index] = fd;
    const std::uint64_t version = file_version_.load(std::memory_order_relaxed);
    changed_[version % changed_.size()] = static_cast<unsigned>(index);
    // Before the entry: who reads the new number there finds that the rings have another table; see verify_file().
    file_version_.store(version + 1, std::memory_order_release);
    set_entry(files_[index], fd);
}

/// So that idle rings let go of what was replaced: at once where nobody drives them.
void registrations::tell_of_update(registration_state::ring_set told) {
    for (unsigned i = 0; told.any(); ++i) {
        if (!told.test(i))
            continue;
        told.reset(i);
        shard& s = owner_.shard_at(i);
        ring_side& side = side_of(s, registration_kind::files);
        if (shard_visit visit(s); visit)
            bring_up_to_date(side);
        else if (!side.update_sent_.exchange(true, std::memory_order_acq_rel))
            s.send(side.update_);
    }
}

int registrations::request_end(registration_kind kind, operation& waiter, shard& home) {
    registration_state::ring_set told;
    std::vector<waiting> ended;
    {
        std::lock_guard guard(mutex_);
        resource& r = of(kind);
        if (!has_room_for_one(r.waiters))
            return -ENOMEM;
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
    complete(ended);
    return 0;
}

void registrations::complete(const std::vector<waiting>& ended) {
    for (const waiting& w : ended)
        w.home->make_ready(*w.op);
}

void registrations::finish_locked(resource& r, std::vector<waiting>& told) {
    r.source.reset(); // lets go of memory and files: before anybody is told
    r.state.finish();
    r.published.store(r.state.epoch().word(), std::memory_order_release);
    told.swap(r.waiters);
}

/// Ring `ring` has the table as it is now, or none of it any more; tell_updated() follows.
void registrations::heard_of_update_locked(unsigned ring) noexcept {
    for (waiting& w : updates_)
        w.rings.reset(ring);
}

/// Those who wait for updates that all rings have heard of. One by one: there may be no memory for a list of them,
/// and nobody would tell them later.
void registrations::tell_updated() {
    for (;;) {
        waiting told{};
        {
            std::lock_guard guard(mutex_);
            const auto it = std::ranges::find_if(updates_, [](const waiting& w) { return w.rings.none(); });
            if (it == updates_.end())
                return;
            told = *it;
            updates_.erase(it);
        }
        told.home->make_ready(*told.op);
    }
}

void registrations::shutdown() {
    std::array<std::vector<waiting>, 3> left; // which takes no memory
    {
        std::lock_guard guard(mutex_);
        left[0].swap(updates_);
        for (std::size_t i = 0; i < resources_.size(); ++i)
            left[i + 1].swap(resources_[i].waiters);
    }
    static_assert(std::tuple_size_v<decltype(resources_)> == 2);
    for (const auto& some : left)
        for (const waiting& w : some) {
            w.op->destroy();
            owner_.work_finished();
        }
}

void registrations::forget_sources() noexcept {
    // Rings of this process would take over the parent's pages from it: they register for themselves.
    for (resource& r : resources_) {
        if (r.source)
            r.source->abandon_after_fork();
        r.source.reset();
    }
}

// ---- a ring ----

int registrations::admit(shard& home, request_parts r, std::uint8_t& held) {
    for (const auto k : {registration_kind::buffers, registration_kind::files}) {
        const auto bit = static_cast<std::uint8_t>(1 << static_cast<int>(k));
        if ((r.shared.registered & bit) == 0)
            continue;
        if (const int error =
                admit(side_of(home, k), r.extension.registrations[static_cast<std::size_t>(k)])) {
            leave(home, std::exchange(held, std::uint8_t{0}));
            return error;
        }
        held |= bit;
    }
    return 0;
}

void registrations::verify_file(shard& home, request_parts r, bool by_object) {
    ring_side& side = side_of(home, registration_kind::files);
    const file_entry* const entry = files_.find(static_cast<std::size_t>(r.shared.fd));
    const auto is_the_one = [&] { // acquire: see note_file_locked()
        return entry &&
               (by_object ? entry->fd.load(std::memory_order_acquire) == r.extension.number
                          : entry->generation.load(std::memory_order_acquire) == r.extension.generation);
    };
    // Acquire, as in admit(): the ring is no older than the table was when the request was started, and its
    // table does not change before the request is submitted. What was found is right about the ring unless it is
    // newer; then so is this version, and the ring is made as new.
    bool right = is_the_one();
    while (side.ring_.version() != file_version_.load(std::memory_order_acquire)) [[unlikely]] {
        if (!bring_up_to_date(side)) {
            right = false;
            break;
        }
        right = is_the_one();
    }
    if (right) [[likely]]
        return;
    r.shared.registered &= static_cast<std::uint8_t>(~registered_file);
    r.shared.fd = by_object ? r.extension.number : -1;
}

int registrations::admit(ring_side& side, std::uint32_t registration) {
    const bool attached = side.attached_.load(std::memory_order_acquire);
    if (const int refused = side.ring_.admit(attached))
        return refused;
    // A ring that is attached keeps its registration from ending, so that it is the one which is published.
    // Relaxed: whoever attached it had seen that, and attached_ says so with release.
    const registration_epoch now(of(side.kind_).published.load(std::memory_order_relaxed));
    if (now.number() != registration) [[unlikely]] { // of one that ended before the request arrived
        (void)side.ring_.leave();
        return -ENOENT;
    }
    if (!side.ring_.is_installed()) [[unlikely]] {
        const int error = install(side);
        if (error != 0)
            (void)side.ring_.leave(); // not draining: it would have been refused
        return error;
    }
    // Acquire: what changed before the request was started is seen here; see file_version_.
    if (side.kind_ == registration_kind::files &&
        side.ring_.version() != file_version_.load(std::memory_order_acquire)) [[unlikely]]
        if (!bring_up_to_date(side)) {
            (void)side.ring_.leave(); // as above
            return -ENOMEM;
        }
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

/// False when the kernel, for want of memory, has not taken all that is queued.
bool registrations::bring_up_to_date(ring_side& side) {
    // What waits to be submitted means the table as it was: the kernel looks when it is.
    if (!side.home_->flush_completely())
        return false;
    {
        std::lock_guard guard(mutex_);
        bring_up_to_date_locked(side);
        heard_of_update_locked(side.home_->index());
    }
    tell_updated();
    return true;
}

void registrations::bring_up_to_date_locked(ring_side& side) {
    if (!side.ring_.is_installed())
        return; // it will get the table as it is then
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
        if (side.kind_ == registration_kind::files)
            heard_of_update_locked(side.home_->index());
    }
    complete(ended);
    if (side.kind_ == registration_kind::files)
        tell_updated();
}

void registrations::install_again(shard& home) {
    for (const auto k : {registration_kind::buffers, registration_kind::files}) {
        ring_side& side = side_of(home, k);
        if (!side.ring_.is_installed())
            continue;
        side.ring_.lost();
        // What refers to it would be refused by the kernel, should there be no memory for it.
        if (side.ring_.in_flight() != 0)
            (void)install(side);
    }
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
    if (self.home_->owner().registered().bring_up_to_date(self))
        return;
    if (!self.update_sent_.exchange(true, std::memory_order_acq_rel))
        self.home_->send(self.update_); // in the next turn
}

} // namespace aura::core
