# auraio_test: a GoogleTest program per flavour, each of its cases a test of ctest's.
#     auraio_test(<name> SOURCES <file>... FLAVOURS <core|standalone|boost|adopt|boost_adopt|c|cpp>... [TIMEOUT <s>] [SERIAL]
#         [LIBRARIES <target>...] [JOIN [ALONE <file>...]])
#
# One program per flavour from the same sources: <name> for core, c and cpp, <name>.std and <name>.boost for the others.
# Every case is a test of ctest, named <program>.<Suite>.<Case> and labelled with its directory. Under a sanitizer each
# program is one test instead: to start it takes longer there than most cases take.
# JOIN: a few of the sources are compiled at a time, but for those that are to be ALONE: AuraioJoin.cmake has it.
# SERIAL: no other test runs beside its cases, for those that load all processors.
include(GoogleTest)
include(AuraioJoin)

function(auraio_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "SERIAL;JOIN" "TIMEOUT" "SOURCES;FLAVOURS;LIBRARIES;ALONE")
    if(arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCES OR NOT arg_FLAVOURS)
        message(FATAL_ERROR "auraio_test(${name}): SOURCES and FLAVOURS are needed; unknown: '${arg_UNPARSED_ARGUMENTS}'")
    endif()
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 60)
    endif()
    cmake_path(GET CMAKE_CURRENT_SOURCE_DIR FILENAME directory)

    set(library_core auraio::core)
    set(library_standalone auraio::auraio)
    set(library_boost auraio::boost)
    set(library_adopt auraio::adopt)
    set(library_boost_adopt auraio::boost_adopt)
    set(library_c auraio::c)
    set(library_cpp auraio::cpp)
    set(suffix_core "")
    set(suffix_standalone ".std")
    set(suffix_boost ".boost")
    set(suffix_adopt ".std")
    set(suffix_boost_adopt ".boost")
    set(suffix_c "")
    set(suffix_cpp "")
    # Flavours whose headers are missing; src/CMakeLists.txt has said which.
    if(NOT AURAIO_HAS_ASIO)
        list(REMOVE_ITEM arg_FLAVOURS standalone adopt)
    endif()
    if(NOT AURAIO_HAS_BOOST)
        list(REMOVE_ITEM arg_FLAVOURS boost boost_adopt)
    endif()
    foreach(flavour IN LISTS arg_FLAVOURS)
        set(program "${name}${suffix_${flavour}}")
        set(units ${arg_SOURCES})
        # The sanitizers' builds compile each file alone, and show what one has forgotten to include.
        if(arg_JOIN AND AURAIO_JOIN_TESTS AND NOT AURAIO_SANITIZE)
            auraio_join(units ${program} ALONE ${arg_ALONE} SOURCES ${arg_SOURCES})
        endif()
        add_executable(${program} ${units})
        target_link_libraries(${program} PRIVATE ${library_${flavour}} ${arg_LIBRARIES} auraio_test_support)
        auraio_target_options(${program})
        # As distributions compile all they build: who looks at an optional that is empty ends the program.
        target_compile_definitions(${program} PRIVATE _GLIBCXX_ASSERTIONS)
        if(AURAIO_SANITIZE AND flavour MATCHES "standalone|boost|adopt")
            # Asio's templates take the compiler several times as long with both optimisation and instrumentation.
            target_compile_options(${program} PRIVATE -O0)
            # A third of what is left goes into headers. The other builds precompile none: they show what a file forgot.
            target_precompile_headers(${program} PRIVATE <gtest/gtest.h> <auraio/auraio.hpp>)
            auraio_cache_precompiled(${program})
        endif()
        if(NOT AURAIO_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
            # Asio's templates, for both libraries, are most of what a test build compiles: a fifth less time without the
            # names of local variables, and with the compiler's garbage collected from 1 GB on only.
            target_compile_options(${program} PRIVATE $<$<CONFIG:Debug>:-g1> --param=ggc-min-heapsize=1000000)
        endif()
        set(timeout ${arg_TIMEOUT})
        if(AURAIO_SANITIZE)
            set(timeout 900)
        endif()
        set(properties LABELS ${directory} TIMEOUT ${timeout})
        if(arg_SERIAL)
            list(APPEND properties RUN_SERIAL TRUE)
        endif()
        if(AURAIO_SANITIZE)
            add_test(NAME ${program} COMMAND ${program})
            set_tests_properties(${program} PROPERTIES ${properties})
            continue()
        endif()
        gtest_discover_tests(${program}
            TEST_PREFIX "${program}."
            NO_PRETTY_VALUES
            DISCOVERY_MODE PRE_TEST
            DISCOVERY_TIMEOUT 60
            PROPERTIES ${properties})
    endforeach()
endfunction()

# What includes Clang's precompiled headers, cached: ccache has to be told that it may, and Clang to leave times out of them.
# Headers are known there by their absolute paths, so that each checkout has a cache of its own.
function(auraio_cache_precompiled target)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND "${CMAKE_CXX_COMPILER_LAUNCHER}" MATCHES "CCACHE_BASEDIR")
        target_compile_options(${target} PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
        set_target_properties(${target} PROPERTIES
            CXX_COMPILER_LAUNCHER "env;CCACHE_SLOPPINESS=pch_defines,time_macros;${CCACHE_PROGRAM}")
    endif()
endfunction()
