//! A linked ELF file as sections, symbols and words that hold addresses.

use std::collections::BTreeSet;

use object::elf;
use object::read::elf::{ElfFile64, FileHeader as _, Rela as _, SectionHeader as _, Sym as _};
use object::{FileKind, LittleEndian, SectionIndex};

use super::Error;
use super::landing::Landing;

type Header = elf::FileHeader64<LittleEndian>;
const ENDIAN: LittleEndian = LittleEndian;

/// A section that is part of the running program.
pub(super) struct Section<'data> {
    pub(super) name: &'data str,
    pub(super) start: u64,
    pub(super) end: u64,
    /// Empty for `.bss`.
    pub(super) bytes: &'data [u8],
    pub(super) executable: bool,
    /// The program may change it after the loader is done with it.
    pub(super) changes: bool,
    /// Tables of the loader and the unwinder: the addresses in them are not pointers that the
    /// program calls.
    pub(super) tables: bool,
}

/// What a word of data holds once the loader is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// An address in the program.
    Address(u64),
    /// The address of a function or an object of a shared library, by its place in
    /// [`Image::imports`].
    Import(u32),
    /// What the function at this address returns when the program is loaded.
    Resolved(u64),
}

/// A symbol defined in the program.
pub(super) struct Symbol<'data> {
    pub(super) name: &'data [u8],
    pub(super) start: u64,
    pub(super) size: u64,
    pub(super) kind: SymbolKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum SymbolKind {
    Function,
    Object,
    /// Assembly without a type.
    Label,
}

/// What the program takes from shared libraries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Import {
    pub(crate) name: String,
    /// The version that its library gives it, `GLIBC_2.34` say.
    pub(crate) version: Option<String>,
}

/// A linked program, not yet decoded.
pub(super) struct Image<'data> {
    pub(super) file: ElfFile64<'data, LittleEndian>,
    pub(super) sections: Vec<Section<'data>>,
    pub(super) symbols: Vec<Symbol<'data>>,
    /// By address.
    pub(super) words: Vec<(u64, Word)>,
    /// Targets of relative words in data: entries of jump tables, and relative pointers.
    pub(super) relative: Vec<u64>,
    /// Absolute addresses in code, by where they stand.
    pub(super) immediates: Vec<(u64, u64)>,
    pub(super) imports: Vec<Import>,
    pub(super) entry: u64,
    pub(super) landing: Landing,
    /// Addresses of code that words hold, sorted: functions, and entries of absolute jump tables.
    pub(super) held: Vec<u64>,
    /// The versions of rustc that compiled it, the standard library among it: `1.95.0`.
    pub(super) compilers: BTreeSet<String>,
}

impl<'data> Image<'data> {
    pub(super) fn read(data: &'data [u8]) -> Result<Self, Error> {
        check_format(data)?;
        let file = ElfFile64::<LittleEndian>::parse(data)?;
        let header = file.elf_header();
        match header.e_type(ENDIAN) {
            elf::ET_EXEC | elf::ET_DYN => {}
            elf::ET_REL => return Err(Error::Unsupported("an object file that is not linked yet")),
            _ => return Err(Error::Unsupported("an ELF file that is no program")),
        }
        let mut image = Self {
            entry: header.e_entry(ENDIAN),
            file,
            sections: Vec::new(),
            symbols: Vec::new(),
            words: Vec::new(),
            relative: Vec::new(),
            immediates: Vec::new(),
            imports: Vec::new(),
            landing: Landing::default(),
            held: Vec::new(),
            compilers: BTreeSet::new(),
        };
        image.read_compilers(data)?;
        image.read_sections(data)?;
        if let Some(frames) = image.sections.iter().find(|section| section.name == ".eh_frame") {
            image.landing = Landing::read(frames.bytes, frames.start);
        }
        image.read_symbols()?;
        image.read_relocations(data)?;
        image.read_got();
        image.words.sort_by_key(|(place, _)| *place);
        // Of two relocations of one place, that of the loader came first.
        image.words.dedup_by_key(|(place, _)| *place);
        image.relative.sort_unstable();
        image.relative.dedup();
        image.immediates.sort_unstable();
        let held = image.words.iter().filter_map(|(_, word)| match word {
            Word::Address(address) if image.is_code(*address) => Some(*address),
            _ => None,
        });
        let mut held: Vec<u64> = held.collect();
        held.sort_unstable();
        image.held = held;
        Ok(image)
    }

    /// Each object file names its compiler, and the linker keeps one of each name.
    fn read_compilers(&mut self, data: &'data [u8]) -> Result<(), Error> {
        let table = self.file.elf_section_table();
        for section in table.iter() {
            if table.section_name(ENDIAN, section)? != b".comment" {
                continue;
            }
            for line in section.data(ENDIAN, data)?.split(|byte| *byte == 0) {
                let name = std::str::from_utf8(line).unwrap_or_default();
                let version = name.strip_prefix("rustc version ");
                self.compilers
                    .extend(version.and_then(|rest| rest.split(' ').next()).map(str::to_owned));
            }
        }
        Ok(())
    }

    fn read_sections(&mut self, data: &'data [u8]) -> Result<(), Error> {
        let relro: Vec<(u64, u64)> = self
            .file
            .elf_program_headers()
            .iter()
            .filter(|segment| segment.p_type.get(ENDIAN) == elf::PT_GNU_RELRO)
            .map(|segment| {
                let start = segment.p_vaddr.get(ENDIAN);
                (start, start.saturating_add(segment.p_memsz.get(ENDIAN)))
            })
            .collect();
        let table = self.file.elf_section_table();
        for section in table.iter() {
            let flags = section.sh_flags(ENDIAN);
            if flags & u64::from(elf::SHF_ALLOC) == 0 || flags & u64::from(elf::SHF_TLS) != 0 {
                continue;
            }
            let name = table.section_name(ENDIAN, section)?;
            let name = std::str::from_utf8(name).unwrap_or("");
            let start = section.sh_addr(ENDIAN);
            let end = start
                .checked_add(section.sh_size(ENDIAN))
                .ok_or(Error::Malformed("a section reaches past the end of the address space"))?;
            let written = flags & u64::from(elf::SHF_WRITE) != 0;
            let loaded = relro.iter().any(|(from, to)| *from <= start && end <= *to);
            let kind = section.sh_type(ENDIAN);
            self.sections.push(Section {
                name,
                start,
                end,
                bytes: section.data(ENDIAN, data)?,
                executable: flags & u64::from(elf::SHF_EXECINSTR) != 0,
                changes: written && !loaded && name != ".got.plt",
                tables: !matches!(kind, elf::SHT_PROGBITS | elf::SHT_NOBITS)
                    || matches!(
                        name,
                        ".eh_frame" | ".eh_frame_hdr" | ".gcc_except_table" | ".got" | ".got.plt"
                    ),
            });
        }
        self.sections.sort_by_key(|section| section.start);
        Ok(())
    }

    fn read_symbols(&mut self) -> Result<(), Error> {
        let table = self.file.elf_symbol_table();
        if table.is_empty() {
            return Err(Error::Stripped);
        }
        self.symbols.reserve_exact(table.len());
        for symbol in table.iter() {
            if symbol.is_undefined(ENDIAN) || symbol.is_absolute(ENDIAN) {
                continue;
            }
            let start = symbol.st_value(ENDIAN);
            let Some(section) = self.section_at(start) else { continue };
            let executable = section.executable;
            let kind = match (symbol.st_type(), executable) {
                (elf::STT_FUNC | elf::STT_GNU_IFUNC, true) => SymbolKind::Function,
                (elf::STT_NOTYPE, true) => SymbolKind::Label,
                (elf::STT_OBJECT | elf::STT_NOTYPE, false) => SymbolKind::Object,
                _ => continue,
            };
            let name = symbol.name(ENDIAN, table.strings())?;
            self.symbols.push(Symbol { name, start, size: symbol.st_size(ENDIAN), kind });
        }
        Ok(())
    }

    /// The symbols of functions are many, and of no use once it is known where those are.
    pub(super) fn forget_functions(&mut self) {
        self.symbols.retain(|symbol| symbol.kind == SymbolKind::Object);
        self.symbols.shrink_to_fit();
    }

    fn read_relocations(&mut self, data: &'data [u8]) -> Result<(), Error> {
        let table = self.file.elf_section_table();
        let versions = table.versions(ENDIAN, data)?;
        let dynamic = self.file.elf_dynamic_symbol_table();
        let mut imports = vec![None; dynamic.len()];
        let mut kept = false;
        // The loader's first: they know what the linker only guessed at.
        let of_loader = |section: &elf::SectionHeader64<LittleEndian>| {
            section.sh_flags(ENDIAN) & u64::from(elf::SHF_ALLOC) != 0
        };
        for section in table.iter().filter(|section| of_loader(section)) {
            if let Some(relocations) = section.relr(ENDIAN, data)? {
                for place in relocations {
                    let place: u64 = place;
                    if let Some(value) = self.word_in_file(place) {
                        self.words.push((place, Word::Address(value)));
                    }
                }
            }
            let Some((relocations, _)) = section.rela(ENDIAN, data)? else { continue };
            for relocation in relocations {
                let place = relocation.r_offset(ENDIAN);
                let addend = relocation.r_addend(ENDIAN);
                let word = match relocation.r_type(ENDIAN, false) {
                    elf::R_X86_64_RELATIVE => Word::Address(address(addend)),
                    elf::R_X86_64_IRELATIVE => Word::Resolved(address(addend)),
                    elf::R_X86_64_64 | elf::R_X86_64_GLOB_DAT | elf::R_X86_64_JUMP_SLOT => {
                        let Some(index) = relocation.symbol(ENDIAN, false) else { continue };
                        let symbol = dynamic.symbol(index)?;
                        if symbol.is_undefined(ENDIAN) {
                            let known = imports
                                .get_mut(index.0)
                                .ok_or(Error::Malformed("a relocation names no symbol"))?;
                            let import = match *known {
                                Some(import) => import,
                                None => {
                                    let name = dynamic.symbol_name(ENDIAN, symbol)?;
                                    let version = match &versions {
                                        Some(versions) => versions
                                            .version(versions.version_index(ENDIAN, index))?
                                            .map(|version| text(version.name())),
                                        None => None,
                                    };
                                    let at = index_of(self.imports.len())?;
                                    self.imports.push(Import { name: text(name), version });
                                    *known.insert(at)
                                }
                            };
                            Word::Import(import)
                        } else {
                            Word::Address(symbol.st_value(ENDIAN).wrapping_add_signed(addend))
                        }
                    }
                    _ => continue,
                };
                self.words.push((place, word));
            }
        }
        let symbols = self.file.elf_symbol_table();
        for section in table.iter().filter(|section| !of_loader(section)) {
            let Some((relocations, _)) = section.rela(ENDIAN, data)? else { continue };
            let target = SectionIndex(section.sh_info(ENDIAN) as usize);
            let Ok(target) = table.section(target) else { continue };
            let flags = target.sh_flags(ENDIAN);
            if flags & u64::from(elf::SHF_ALLOC) == 0 {
                continue;
            }
            let executable = flags & u64::from(elf::SHF_EXECINSTR) != 0;
            kept |= executable;
            for relocation in relocations {
                let Some(index) = relocation.symbol(ENDIAN, false) else { continue };
                let symbol = symbols.symbol(index)?;
                if symbol.is_undefined(ENDIAN) {
                    continue;
                }
                let place = relocation.r_offset(ENDIAN);
                let address =
                    symbol.st_value(ENDIAN).wrapping_add_signed(relocation.r_addend(ENDIAN));
                match (relocation.r_type(ENDIAN, false), executable) {
                    (elf::R_X86_64_64, false) => self.words.push((place, Word::Address(address))),
                    (elf::R_X86_64_PC32 | elf::R_X86_64_PC64 | elf::R_X86_64_PLT32, false) => {
                        self.relative.push(address);
                    }
                    (elf::R_X86_64_64 | elf::R_X86_64_32 | elf::R_X86_64_32S, true) => {
                        self.immediates.push((place, address));
                    }
                    _ => {}
                }
            }
        }
        if kept { Ok(()) } else { Err(Error::NoRelocations) }
    }

    /// In a program at a fixed address the linker fills the table itself, without a relocation.
    fn read_got(&mut self) {
        let mut words = Vec::new();
        for section in &self.sections {
            if !matches!(section.name, ".got" | ".got.plt") {
                continue;
            }
            for (place, bytes) in (section.start..).step_by(8).zip(section.bytes.chunks_exact(8)) {
                let value = u64::from_le_bytes(bytes.try_into().unwrap_or_default());
                if value != 0 && self.section_at(value).is_some() {
                    words.push((place, Word::Address(value)));
                }
            }
        }
        self.words.append(&mut words);
    }

    pub(super) fn section_at(&self, address: u64) -> Option<&Section<'data>> {
        let after = self.sections.partition_point(|section| section.start <= address);
        // Empty sections share their address with the next one.
        let found = self.sections[..after].iter().rev().take(4);
        found.into_iter().find(|section| address < section.end)
    }

    /// The bytes from an address to the end of its section.
    pub(super) fn bytes_at(&self, address: u64) -> Option<&'data [u8]> {
        let section = self.section_at(address)?;
        section.bytes.get(usize::try_from(address - section.start).ok()?..)
    }

    fn word_in_file(&self, address: u64) -> Option<u64> {
        let bytes = self.bytes_at(address)?.first_chunk::<8>()?;
        Some(u64::from_le_bytes(*bytes))
    }

    /// What the word at this address holds, if the program cannot change it.
    pub(super) fn constant(&self, place: u64) -> Option<Word> {
        if self.section_at(place)?.changes {
            return None;
        }
        self.word(place)
    }

    /// What the loader puts into the word at this address.
    pub(super) fn word(&self, place: u64) -> Option<Word> {
        let at = self.words.binary_search_by_key(&place, |(place, _)| *place).ok()?;
        Some(self.words[at].1)
    }

    pub(super) fn is_code(&self, address: u64) -> bool {
        self.section_at(address).is_some_and(|section| section.executable)
    }
}

fn check_format(data: &[u8]) -> Result<(), Error> {
    let unsupported = |what| Err(Error::Unsupported(what));
    match FileKind::parse(data) {
        Ok(FileKind::Elf64) => {}
        Ok(FileKind::Elf32) => return unsupported("a 32-bit ELF file"),
        Ok(FileKind::Archive) => return unsupported("an archive of object files"),
        Err(_) => {
            let known: [(&[u8], &str); 6] = [
                (b"MZ", "a PE (Windows) file"),
                (b"\xcf\xfa\xed\xfe", "a Mach-O (macOS) file"),
                (b"\xce\xfa\xed\xfe", "a Mach-O (macOS) file"),
                (b"\xca\xfe\xba\xbe", "a universal Mach-O (macOS) file"),
                (b"\0asm", "a WebAssembly module"),
                (b"#!", "a script"),
            ];
            return match known.iter().find(|(magic, _)| data.starts_with(magic)) {
                Some((_, what)) => unsupported(what),
                None => Err(Error::NoProgram),
            };
        }
        Ok(_) => return unsupported("a file of a format other than ELF"),
    }
    let header = Header::parse(data)?;
    if header.e_ident().data != elf::ELFDATA2LSB {
        return unsupported("a big-endian ELF file");
    }
    match header.e_machine(ENDIAN) {
        elf::EM_X86_64 => Ok(()),
        elf::EM_AARCH64 => unsupported("an ELF file for aarch64"),
        elf::EM_RISCV => unsupported("an ELF file for RISC-V"),
        _ => unsupported("an ELF file for a machine other than x86-64"),
    }
}

/// An addend that is an address and no distance.
fn address(addend: i64) -> u64 {
    u64::from_ne_bytes(addend.to_ne_bytes())
}

pub(super) fn text(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

pub(super) fn index_of(place: usize) -> Result<u32, Error> {
    u32::try_from(place).map_err(|_| Error::Malformed("more parts than can be counted"))
}
