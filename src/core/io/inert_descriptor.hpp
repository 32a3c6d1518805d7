// inert_descriptor: what takes the place of an open file whose number must not be given up yet.
#pragma once

namespace aura::core {

/// Opens what the functions below need, which the process then keeps: they are for moments in which it has no
/// descriptor left. Any thread; tries again what has failed before.
void reserve_inert_descriptors() noexcept;

/// Makes `number` refer to something from which nothing can be read, to which nothing can be written and
/// which is never ready; closes what it referred to. Any thread. False when the process is out of descriptors
/// and has not been able to reserve one.
bool make_inert(int number) noexcept;

/// A number more of the same, to be free for something else when it is given back; -1: there is none. Any
/// thread.
int keep_number() noexcept;
/// Closes it, unless it has come to mean another file.
void give_number_back(int number) noexcept;

/// A second number for an open file while it exists: when the first has been made inert, requests that name
/// the file can still be found by it. Any thread.
class second_number {
public:
    explicit second_number(int first) noexcept;
    ~second_number();
    second_number(const second_number&) = delete;

    /// Whether there is one: another descriptor of the process, or the number reserved for this.
    explicit operator bool() const noexcept { return number_ >= 0; }
    int get() const noexcept { return number_; }

private:
    int number_;
    bool reserved_ = false; // then the lock is held
};

} // namespace aura::core
