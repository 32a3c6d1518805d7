// Keep-alive HTTP requests by wrk, a client nobody here wrote.
#include "load_generator.hpp"

#include "failure.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <sstream>
#include <string>

namespace benchmark {
namespace {

class wrk_load final : public load_generator {
public:
    explicit wrk_load(const load_description& what)
        : command_("exec wrk --threads 1 --connections " + std::to_string(what.connections) + " --duration ")
        , address_(" http://127.0.0.1:" + std::to_string(what.port) + "/ 2>&1") {}

    // wrk runs whole seconds; it inherits this thread's processor.
    void run_for(std::chrono::nanoseconds duration) override {
        const auto seconds =
            std::max(std::chrono::seconds(1), std::chrono::ceil<std::chrono::seconds>(duration));
        const std::string output = output_of(command_ + std::to_string(seconds.count()) + "s" + address_);
        if (output.find("not found") != output.npos)
            unsupported("wrk is not installed");
        if (output.find("Socket errors") != output.npos || output.find("Non-2xx") != output.npos)
            fail("wrk complains: " + output);
        count_round_trips(requests_in(output));
    }

private:
    static std::string output_of(const std::string& command) {
        std::FILE* const pipe = ::popen(command.c_str(), "r");
        if (pipe == nullptr)
            fail("popen", errno);
        std::string output;
        std::array<char, 4096> part;
        while (const std::size_t got = std::fread(part.data(), 1, part.size(), pipe))
            output.append(part.data(), got);
        ::pclose(pipe);
        return output;
    }

    // Of the line "  12345 requests in 1.00s, ...".
    static std::uint64_t requests_in(const std::string& output) {
        std::istringstream lines(output);
        for (std::string line; std::getline(lines, line);) {
            std::istringstream words(line);
            std::uint64_t count = 0;
            std::string what;
            if (words >> count >> what && what == "requests")
                return count;
        }
        fail("wrk has said something else: " + output);
    }

    std::string command_;
    std::string address_;
};

} // namespace

std::unique_ptr<load_generator> make_wrk_load(const load_description& what) {
    return std::make_unique<wrk_load>(what);
}

} // namespace benchmark
