// thread_accounts: reads them, and compares two looks.
#include "core/loop/thread_accounts.hpp"

#include "core/base/usable_cpus.hpp"

#include <algorithm>
#include <exception>

namespace aura::core {

bool thread_accounts::begin(std::size_t threads) noexcept {
    std::swap(now_, before_);
    now_.clear();
    try {
        now_.reserve(threads);
        return true;
    } catch (const std::exception&) {
        return false;
    }
}

bool thread_accounts::add(int number) noexcept {
    if (now_.size() == now_.capacity())
        return false;
    now_.emplace_back(number, processor_account{});
    return true;
}

bool thread_accounts::read() noexcept {
    const auto by_number = [](const auto& a, const auto& b) { return a.first < b.first; };
    const auto same = [](const auto& a, const auto& b) { return a.first == b.first; };
    std::sort(now_.begin(), now_.end(), by_number);
    if (!std::equal(now_.begin(), now_.end(), before_.begin(), before_.end(), same)) {
        try {
            std::vector<int> threads;
            threads.reserve(now_.size());
            for (const auto& [number, account] : now_)
                threads.push_back(number);
            processors_ = count_usable_cpus(threads);
        } catch (const std::exception&) {
            return false;
        }
    }
    if (now_.size() <= processors_) {
        idle_ = 0;
        return true;
    }
    for (auto& [number, account] : now_)
        account = account_of(number);
    idle_ = idle_time();
    return true;
}

processor_account thread_accounts::sum() const noexcept {
    processor_account all;
    auto before = before_.begin();
    for (const auto& [number, account] : now_) {
        while (before != before_.end() && before->first < number)
            ++before;
        if (before == before_.end() || before->first != number)
            continue;
        const processor_account& then = before->second;
        if (then.had == 0 || account.had < then.had) // another one has the number by now
            continue;
        all.had += account.had - then.had;
        all.waited += account.waited - then.waited;
    }
    return all;
}

} // namespace aura::core
