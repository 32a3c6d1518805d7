// Arguments of a contender: key=value words, with a default for each; an unknown key is an error.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace benchmark {

class arguments {
public:
    // The keys `scenario` and `name`, what the driver calls this run, are known to every contender.
    arguments(int argc, char** argv, std::string name);

    const std::string& scenario() const { return scenario_; }
    const std::string& name() const { return name_; }

    std::string text(const std::string& key, const std::string& otherwise);
    std::uint64_t number(const std::string& key, std::uint64_t otherwise);

    // To be called once all keys were asked for.
    void reject_unknown() const;

private:
    struct entry {
        std::string value;
        bool asked = false;
    };
    std::map<std::string, entry> entries_;
    std::string name_;
    std::string scenario_;
};

} // namespace benchmark
