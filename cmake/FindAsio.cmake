# Finds the headers of standalone Asio: target Asio::asio. AURAIO_ASIO_INCLUDE_DIR names a tree to use instead.
if(AURAIO_ASIO_INCLUDE_DIR)
    set(Asio_INCLUDE_DIR "${AURAIO_ASIO_INCLUDE_DIR}")
else()
    find_path(Asio_INCLUDE_DIR NAMES asio/version.hpp)
    mark_as_advanced(Asio_INCLUDE_DIR)
endif()

# "#define ASIO_VERSION 102201 // 1.22.1"
if(EXISTS "${Asio_INCLUDE_DIR}/asio/version.hpp")
    file(STRINGS "${Asio_INCLUDE_DIR}/asio/version.hpp" Asio_VERSION_LINE REGEX "^#define ASIO_VERSION [0-9]+")
    if(Asio_VERSION_LINE MATCHES "ASIO_VERSION ([0-9]+)")
        math(EXPR Asio_VERSION_MAJOR "${CMAKE_MATCH_1} / 100000")
        math(EXPR Asio_VERSION_MINOR "${CMAKE_MATCH_1} / 100 % 1000")
        math(EXPR Asio_VERSION_PATCH "${CMAKE_MATCH_1} % 100")
        set(Asio_VERSION "${Asio_VERSION_MAJOR}.${Asio_VERSION_MINOR}.${Asio_VERSION_PATCH}")
    endif()
    unset(Asio_VERSION_LINE)
endif()

find_package(Threads QUIET)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Asio
    REQUIRED_VARS Asio_INCLUDE_DIR Asio_VERSION Threads_FOUND VERSION_VAR Asio_VERSION)

if(Asio_FOUND AND NOT TARGET Asio::asio)
    add_library(Asio::asio INTERFACE IMPORTED)
    target_include_directories(Asio::asio INTERFACE "${Asio_INCLUDE_DIR}")
    target_link_libraries(Asio::asio INTERFACE Threads::Threads)
endif()
