# SPDX-License-Identifier: Apache-2.0
# Field tables of schemas/ become X-macro lists in ${TG_GEN_DECODERS} when CMake configures; a
# changed table or script configures again.
find_program(TG_AWK NAMES mawk gawk awk REQUIRED)
function(tg_field_table table output sorted)
  set(script ${CMAKE_SOURCE_DIR}/tools/gen_fields.awk)
  set(source ${CMAKE_SOURCE_DIR}/schemas/${table})
  set_property(DIRECTORY ${CMAKE_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
               ${script} ${source})
  execute_process(COMMAND ${TG_AWK} -v sorted=${sorted} -f ${script} ${source}
                  OUTPUT_VARIABLE text RESULT_VARIABLE result ERROR_VARIABLE complaint)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${complaint}")
  endif()
  file(CONFIGURE OUTPUT ${TG_GEN_DECODERS}/${output} CONTENT "${text}" @ONLY)
endfunction()
tg_field_table(ipfix/ipfix.tsv ipfix_elements.def 1)
tg_field_table(netflow/netflow9.tsv netflow9_elements.def 1)
tg_field_table(netflow/netflow9_scope.tsv netflow9_scopes.def 1)
tg_field_table(netflow/netflow5.tsv netflow5_record.def 0)
foreach(table radius syslog csv)
  include(${CMAKE_CURRENT_LIST_DIR}/${table}/tables.cmake)
endforeach()
