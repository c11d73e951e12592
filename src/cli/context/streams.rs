//! What a command writes to the standard output, in the format that was asked for.

use std::io::Write;

use huedb::error::{Error, Result};

use super::command::Context;
use crate::output::{
    BinaryFormat, Measured, OutputFormat, Properties, RecordColumns, Sink, Style, TerminalGuard, write_statistics,
};

impl<'c> Context<'c, '_> {
    /// Returns the format the user asked for, for verbs whose own default is not the printer's.
    pub(crate) fn chosen_format(&self) -> Option<OutputFormat> {
        self.format
    }

    /// Returns the format the user asked for, where it is one of `export` alone.
    pub(crate) fn chosen_binary(&self) -> Option<BinaryFormat> {
        self.binary
    }

    /// Begins a list of records on the standard output.
    pub(crate) fn sink(&mut self, columns: RecordColumns) -> Result<Box<dyn Sink + '_>> {
        self.sink_in(self.printer.format(), columns)
    }

    /// Begins a list in a format of the verb's own choice, unless the user chose one.
    pub(crate) fn sink_in(&mut self, format: OutputFormat, columns: RecordColumns) -> Result<Box<dyn Sink + '_>> {
        self.out.set_format(format);
        let style = Style { full: self.full, bookkeeping: self.bookkeeping, ..self.printer.style() };
        crate::output::open(format, columns, style, &mut self.out)
    }

    /// Writes facts about one thing to the standard output.
    pub(crate) fn facts(&mut self, facts: &Properties) -> Result<()> {
        self.out.set_format(self.printer.format());
        self.printer.facts(facts, &mut self.out)
    }

    /// Writes a list of things to the standard output.
    pub(crate) fn list(&mut self, things: &[Properties]) -> Result<()> {
        self.out.set_format(self.printer.format());
        self.printer.list(things, &mut self.out)
    }

    /// Writes what was measured of a collection to the standard output.
    pub(crate) fn statistics(&mut self, measured: &Measured, ascii: bool) -> Result<()> {
        let format = self.printer.format();
        self.out.set_format(format);
        write_statistics(format, measured, ascii, self.printer.style(), &mut self.out)
    }

    /// Returns whether the standard output is a terminal.
    pub(crate) fn stdout_is_terminal(&self) -> bool {
        self.out.is_terminal()
    }

    /// Returns the standard output, to write JSON to.
    pub(crate) fn out(&mut self) -> &mut TerminalGuard<'c> {
        self.out_in(OutputFormat::Jsonl)
    }

    /// Returns the standard output, to write in a format to.
    pub(crate) fn out_in(&mut self, format: OutputFormat) -> &mut TerminalGuard<'c> {
        self.out.set_format(format);
        &mut self.out
    }

    /// Writes JSON, or text of this program's own, to the standard output.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.out().write_all(bytes).map_err(|e| Error::io("write the output", e))
    }
}
