# Tests: tests/unit/<room>/<file>_test.c makes one Criterion program a room; the *_test.c of plug-in
# folders one program a kind, as each program has the whole library to be linked with;
# tests/stress/*.c are plain programs; tests/system/*.sh are run with the binary's path;
# tests/fuzz/*_fuzz.c become libFuzzer programs under clang (-DTG_FUZZ=ON).
pkg_check_modules(CRITERION REQUIRED criterion)

add_library(no_certificates OBJECT ${CMAKE_SOURCE_DIR}/tests/no_certificates.c)
target_compile_options(no_certificates PRIVATE ${TG_WARNINGS})

# Time-outs end what hangs. They are many times what a test takes, as the machine may be busy.
function(tg_criterion name)
  add_executable(${name} ${ARGN} $<TARGET_OBJECTS:no_certificates>)
  tg_top_flags(${name})
  target_include_directories(${name} SYSTEM PRIVATE ${CRITERION_INCLUDE_DIRS})
  target_compile_options(${name} PRIVATE -Wno-missing-prototypes)
  if(TG_FUZZ)
    target_compile_options(${name} PRIVATE -fno-sanitize=fuzzer-no-link)
  endif()
  if(TG_SANITIZE)
    # The product is what is held against UBSan: of a test's own arithmetic it takes 0.6 of 1.5 s a
    # file. ASan stays, as the product writes into tests' arrays.
    target_compile_options(${name} PRIVATE -fno-sanitize=undefined)
  else()
    target_compile_options(${name} PRIVATE -O0) # half the compile time
  endif()
  target_link_libraries(${name} PRIVATE ${CRITERION_LINK_LIBRARIES})
  target_link_options(${name} PRIVATE -Wl,--export-dynamic-symbol=mbedtls_x509_crt_parse_file)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 900)
endfunction()

# Models that look at every unit or number by itself: they run longer than -O0 saves.
foreach(slow bill/allocate_test bill/invoice_test catalog/deck_test rate/reference_test
        rate/slow_rater)
  set_source_files_properties(${CMAKE_SOURCE_DIR}/tests/unit/${slow}.c PROPERTIES COMPILE_OPTIONS
                              -O2)
endforeach()

file(GLOB room_tests CONFIGURE_DEPENDS LIST_DIRECTORIES true ${CMAKE_SOURCE_DIR}/tests/unit/*)
foreach(folder ${room_tests})
  get_filename_component(room ${folder} NAME)
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.c)
  if(sources)
    tg_criterion(unit_${room} ${sources})
  endif()
endforeach()

foreach(kind decoders tariffs fronts)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/plugins/${kind}/*/*_test.c)
  tg_criterion(plugin_test_${kind} ${sources})
endforeach()

file(GLOB golden_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/golden/*.c)
if(golden_sources)
  tg_criterion(golden ${golden_sources})
endif()

file(GLOB stress_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/stress/*.c)
foreach(source ${stress_sources})
  get_filename_component(name ${source} NAME_WE)
  add_executable(stress_${name} ${source})
  tg_top_flags(stress_${name})
  add_test(NAME stress_${name} COMMAND stress_${name})
  set_tests_properties(stress_${name} PROPERTIES TIMEOUT 600)
endforeach()

# A script gets the binary and the source root; exit 77 is a visible skip.
file(GLOB system_scripts CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/system/*_test.sh)
foreach(script ${system_scripts})
  get_filename_component(name ${script} NAME_WE)
  add_test(NAME system_${name} COMMAND bash ${script} $<TARGET_FILE:tollgate> ${CMAKE_SOURCE_DIR}
           ${CMAKE_BINARY_DIR})
  set_tests_properties(system_${name} PROPERTIES TIMEOUT 900 SKIP_RETURN_CODE 77)
endforeach()

# In a clean checkout ctest knows no times yet: the longest start first, so that none runs alone at
# the end. Seconds as measured; their order is what counts.
set(costs unit_ledger 50 unit_rate 50 system_rerate_live_test 45 system_catalog_diff_test 40
    unit_bill 35 system_checkpoint_crash_test 30 system_credit_test 25 system_bench_extra_test 25
    system_crash_test 28 system_decode_test 27 system_af_xdp_test 24 system_rerate_pool_test 24
    system_bill_taxes_test 18 system_exporters_test 17 unit_ports 15 system_bench_smoke_test 15
    system_plugin_reload_test 14 stress_journal_kill 13 system_hostile_test 13
    system_rowpath_test 12 system_fronts_test 11
    golden 10 system_templates_test 9 system_rerate_order_test 9 unit_health 9)
while(costs)
  list(POP_FRONT costs name seconds)
  if(TEST ${name})
    set_tests_properties(${name} PROPERTIES COST ${seconds})
  endif()
endwhile()

if(TG_FUZZ)
  file(GLOB fuzz_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/fuzz/*_fuzz.c)
  foreach(source ${fuzz_sources})
    get_filename_component(name ${source} NAME_WE)
    add_executable(${name} ${source})
    tg_top_flags(${name})
    target_compile_options(${name} PRIVATE -Wno-missing-prototypes)
    # libFuzzer's libraries would come before a shared ASan, which wants to be the first.
    target_link_options(${name} PRIVATE -fsanitize=fuzzer -static-libsan -fuse-ld=bfd)
  endforeach()
endif()
