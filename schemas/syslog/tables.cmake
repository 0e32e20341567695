# SPDX-License-Identifier: Apache-2.0
# fields.tsv becomes syslog_fields.def in TG_GEN_DECODERS, at configure time.
set(tg_syslog_schema ${CMAKE_CURRENT_LIST_DIR})
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
             ${tg_syslog_schema}/fields.tsv ${tg_syslog_schema}/gen.awk)
execute_process(COMMAND awk -f ${tg_syslog_schema}/gen.awk ${tg_syslog_schema}/fields.tsv
                OUTPUT_FILE ${TG_GEN_DECODERS}/syslog_fields.def
                COMMAND_ERROR_IS_FATAL ANY)
