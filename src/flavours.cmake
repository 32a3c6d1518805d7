# auraio::auraio, auraio::boost and their adopt modes: headers over auraio::core.

# Neither is required to build the other: a missing header package is an error only for who links that flavour.
find_package(Asio 1.22.1 MODULE QUIET GLOBAL)
add_library(auraio_auraio INTERFACE)
add_library(auraio::auraio ALIAS auraio_auraio)
set_target_properties(auraio_auraio PROPERTIES EXPORT_NAME auraio)
# A target that links both flavours has both definitions; its source files choose by what they include first.
target_compile_definitions(auraio_auraio INTERFACE AURAIO_FLAVOUR_STANDALONE)
# Asio 1.22 takes std::aligned_alloc() or operator new, by what its first includer has included before: memory of one
# translation unit must not be freed by another that decided otherwise.
target_compile_definitions(auraio_auraio INTERFACE ASIO_HAS_STD_ALIGNED_ALLOC=1)
target_link_libraries(auraio_auraio INTERFACE auraio::core Asio::asio)

include(AuraioFindBoost)
auraio_find_boost(QUIET GLOBAL)
add_library(auraio_boost INTERFACE)
add_library(auraio::boost ALIAS auraio_boost)
set_target_properties(auraio_boost PROPERTIES EXPORT_NAME boost)
target_compile_definitions(auraio_boost INTERFACE AURAIO_FLAVOUR_BOOST)
target_link_libraries(auraio_boost INTERFACE auraio::core Boost::headers)

# Said once; what needs them is left out of tests, examples and benchmarks.
set(AURAIO_HAS_ASIO "${Asio_FOUND}" CACHE INTERNAL "Standalone Asio 1.22.1 or later was found")
set(AURAIO_HAS_BOOST "${Boost_FOUND}" CACHE INTERNAL "Boost 1.81 or later was found")
if(NOT AURAIO_HAS_ASIO)
    message(STATUS "auraio: left out, no standalone Asio 1.22.1 or later: tests, examples and benchmarks of auraio::auraio")
endif()
if(NOT AURAIO_HAS_BOOST)
    message(STATUS "auraio: left out, no Boost 1.81 or later: tests, examples and benchmarks of auraio::boost")
endif()

# --- adopt mode -------------------------------------------------------------------------------------------
# The header comes first in every source file: plain sockets are specialised before anything uses them.
foreach(flavour IN ITEMS auraio boost)
    if(flavour STREQUAL "auraio")
        set(name adopt)
    else()
        set(name boost_adopt)
    endif()
    add_library(auraio_${name} INTERFACE)
    add_library(auraio::${name} ALIAS auraio_${name})
    set_target_properties(auraio_${name} PROPERTIES EXPORT_NAME ${name})
    target_compile_definitions(auraio_${name} INTERFACE AURAIO_ADOPT)
    target_compile_options(auraio_${name} INTERFACE $<$<COMPILE_LANGUAGE:CXX>:SHELL:-include auraio/adopt.hpp>)
    target_link_libraries(auraio_${name} INTERFACE auraio::${flavour})
endforeach()
