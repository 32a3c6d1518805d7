#include "arguments.hpp"

#include "failure.hpp"

#include <charconv>
#include <string_view>
#include <system_error>

namespace benchmark {

arguments::arguments(int argc, char** argv, std::string name) {
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        const auto equals = word.find('=');
        if (equals == 0 || equals == word.npos)
            fail("not key=value: " + std::string(word));
        entries_[std::string(word.substr(0, equals))].value = word.substr(equals + 1);
    }
    name_ = text("name", name);
    scenario_ = text("scenario", "-");
}

std::string arguments::text(const std::string& key, const std::string& otherwise) {
    const auto found = entries_.find(key);
    if (found == entries_.end())
        return otherwise;
    found->second.asked = true;
    return found->second.value;
}

std::uint64_t arguments::number(const std::string& key, std::uint64_t otherwise) {
    const std::string value = text(key, std::to_string(otherwise));
    std::uint64_t result = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), result);
    if (error != std::errc{} || end != value.data() + value.size())
        fail("not a number: " + key + "=" + value);
    return result;
}

void arguments::reject_unknown() const {
    for (const auto& [key, given] : entries_)
        if (!given.asked)
            fail("unknown argument: " + key);
}

} // namespace benchmark
